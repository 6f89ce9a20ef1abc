"""Model packs: manifests, networks made from installed packages, downloads, the cache."""
