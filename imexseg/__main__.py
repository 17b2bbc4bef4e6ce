"""python -m imexseg"""

from imexseg.cli.main import run

if __name__ == "__main__":
    run()
