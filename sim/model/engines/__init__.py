"""Two engines that give the same bits: ``reference`` is written to be read, ``compiled`` to be fast."""
