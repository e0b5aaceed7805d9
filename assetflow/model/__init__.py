"""The nouns, as frozen values, and the ports that declarations name. Standard library only; nothing here acts."""
