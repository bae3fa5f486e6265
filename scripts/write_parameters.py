"""Writes plugin/parameters.h from the rows of improv/bridge/parameters.py.

python scripts/write_parameters.py > plugin/parameters.h
"""

from __future__ import annotations

from improv.bridge.parameters import PARAMETERS

HEAD = """/* The plugin's parameters, by number. Written by scripts/write_parameters.py from improv/bridge/parameters.py: change that.
 *
 * PARAMETER(number, symbol, label, unit, lowest, highest, default, whole, words)
 * words: the choices by their indices, each with a final newline; "" where the value is a number.
 */
"""


def written() -> str:
    lines = [HEAD, "#define PARAMETERS(PARAMETER) \\\n"]
    for number, row in enumerate(PARAMETERS):
        words = "".join(f"{word}\\n" for word in row.words)
        numbers = f"{row.lowest:g}, {row.highest:g}, {row.default:g}, {int(row.whole)}"
        end = "\n" if row is PARAMETERS[-1] else " \\\n"
        lines.append(f'    PARAMETER({number}, {row.symbol}, "{row.label}", "{row.unit}", {numbers}, "{words}"){end}')
    lines.append(f"\n#define PARAMETER_COUNT {len(PARAMETERS)}\n")
    return "".join(lines)


if __name__ == "__main__":
    print(written(), end="")
