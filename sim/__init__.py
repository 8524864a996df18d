"""Headshare: how the concentration of traffic on head influencers changes under tiered support.

``load`` reads a scenario, ``run`` runs it, ``compare`` lays two runs side by side; the command ``sim`` offers the same.
"""
