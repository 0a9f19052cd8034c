"""Images in: folders in MVTec layout, embedded textures with defects, and tasks made of both."""
