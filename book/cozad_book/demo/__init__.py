"""``cozad demo``: a page that takes photographs."""
