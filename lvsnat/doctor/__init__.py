"""Why traffic does not flow: facts are read once, rules make findings of them."""
