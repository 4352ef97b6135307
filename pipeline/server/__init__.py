"""The local page and its JSON: a recording in, what runs say of it out. Nothing is kept, nothing leaves the machine."""
