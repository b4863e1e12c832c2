"""Runs one KQL query on tables that are given with it: JSON on standard input, rows as JSON on standard output. The engine is duckdb-kql."""

import datetime
import json
import sys

import duckdb_kql

TYPES = {
    "string": "VARCHAR",
    "int": "INTEGER",
    "long": "BIGINT",
    "real": "DOUBLE",
    "bool": "BOOLEAN",
    "boolean": "BOOLEAN",
    "datetime": "TIMESTAMP",
    "dynamic": "JSON",
}


def plain(value):
    return value.isoformat() + "Z" if isinstance(value, datetime.datetime) else value


asked = json.load(sys.stdin)
connection = duckdb_kql.connect()
for table, content in asked["tables"].items():
    columns = content["columns"]
    connection.execute(f'CREATE TABLE "{table}" ({", ".join(f"{name!r} {TYPES[of]}" for name, of in columns.items())})'.replace("'", '"'))
    for row in content["rows"]:
        names = ", ".join(f'"{name}"' for name in row)
        values = [json.dumps(value) if columns[name] == "dynamic" else value for name, value in row.items()]
        connection.execute(f'INSERT INTO "{table}" ({names}) VALUES ({", ".join("?" for _ in values)})', values)
duckdb_kql.set_functions([f"function {name}() {{\n{body}\n}}" for name, body in asked["functions"].items()])
result = duckdb_kql.query(connection, asked["query"])
names = [column[0] for column in result.description]
json.dump([dict(zip(names, map(plain, row))) for row in result.fetchall()], sys.stdout)
