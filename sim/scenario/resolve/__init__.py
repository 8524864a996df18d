"""From a scenario file to default-free scenarios of all arms, with roster and graph. It knows no model."""
