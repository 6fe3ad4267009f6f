"""How the alerts do in every scenario, compared with the three rules of the guide."""
