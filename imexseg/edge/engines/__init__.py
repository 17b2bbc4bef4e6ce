"""Other runtimes for the layers of a core file: one file each, with the two steps that differ, opening and running."""
