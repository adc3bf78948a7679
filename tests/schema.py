# SPDX-License-Identifier: LGPL-2.1-or-later
"""What kvm-tune prints with --json, held against conf/schema/."""

import glob
import json
import os
import warnings

import jsonschema

SCHEMAS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "conf", "schema")


def load(name):
    with open(os.path.join(SCHEMAS, f"{name}.json"), encoding="utf-8") as file:
        return json.load(file)


def names():
    return sorted(os.path.splitext(os.path.basename(path))[0] for path in glob.glob(os.path.join(SCHEMAS, "*.json")))


def validate(document, name):
    """Raises jsonschema.ValidationError where @document isn't as conf/schema/NAME.json says."""
    schema = load(name)
    # Newer versions have another way to find other files, which Debian 12's doesn't know.
    warnings.filterwarnings("ignore", "jsonschema.RefResolver", DeprecationWarning)
    resolver = jsonschema.RefResolver(f"file://{SCHEMAS}/{name}.json", schema)
    jsonschema.Draft202012Validator(schema, resolver=resolver).validate(document)
