"""The status that a person looks at for a while, and acts from: ``lvsnat status --live``."""
