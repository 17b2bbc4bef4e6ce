"""imexseg completion: print the lines that teach a shell to complete commands, options and choices."""

import argparse
import os

SHELLS = {
    "bash": 'eval "$(imexseg completion bash)"',
    "zsh": 'eval "$(imexseg completion zsh)"',
    "fish": "imexseg completion fish | source",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    where = "; ".join(f"{shell}: {line}" for shell, line in SHELLS.items())
    parser.add_argument("shell", choices=list(SHELLS), help=f"the shell. Add one line to its start-up file: {where}")


def run(options: argparse.Namespace) -> int:
    import argcomplete

    print(argcomplete.shellcode(["imexseg"], shell=options.shell))
    return 0


def answer_the_shell(parser: argparse.ArgumentParser) -> None:
    """If the shell asks for completions (the Tab key), print them and end the process; otherwise do nothing."""
    if "_ARGCOMPLETE" in os.environ:
        import argcomplete

        argcomplete.autocomplete(parser)
