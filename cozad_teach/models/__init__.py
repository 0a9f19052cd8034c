"""A model as a whole: trained, saved, loaded, used on images of one's own."""
