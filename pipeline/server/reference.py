"""What the JSON addresses say of themselves beside what FastAPI reads from them: their form and their refusals."""

from collections.abc import Iterator, Mapping
from typing import Any

_TEXT = {"type": "string"}
FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "file": {
                            "type": "array",
                            "items": {"type": "string", "format": "binary"},
                            "description": "The recording: its file, or of WFDB its .hea with the files that it names.",
                        },
                        "run": {
                            "type": "array",
                            "items": _TEXT,
                            "description": "Names of the runs to ask, as /runs gives them; all where none is named.",
                        },
                        "unit": {**_TEXT, "description": "Of the samples, where the file does not say: mV, uV, V, nV."},
                        "sampling_rate": {"type": "number", "description": "In Hz, where the file does not say."},
                        "leads_of_file": {
                            **_TEXT,
                            "description": "Names of the leads in their order, where the file has none: I II III …",
                        },
                        "array": {
                            **_TEXT,
                            "description": "Which of several arrays (NPZ, MAT) or recordings (DICOM, XML).",
                        },
                        "age": {
                            "type": "number",
                            "description": "Of the patient, in years, for runs with sees_patient; others ignore it.",
                        },
                        "sex": {**_TEXT, "description": "Of the patient, male or female; the same."},
                        "example": {**_TEXT, "description": "Anything: the simulated recording of /example.csv."},
                    },
                }
            }
        },
    }
}
"""The body of a request with a recording."""

_SAID = {"application/json": {"example": {"problem": "one sentence", "notice": "not a medical device: …"}}}
PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"description": what, "content": _SAID}
    for status, what in {
        400: "The request is malformed, or has several recordings.",
        403: "A page of another address has sent it.",
        404: "There is no such run.",
        408: "It took too long to arrive.",
        413: "It is too large.",
        415: "It is no multipart form.",
        422: "The recording is bad, or no run can see it; the sentence says why.",
        503: "So many requests are being answered that this one is not let in; Retry-After says when to ask again.",
        504: "It took too long to answer.",
        507: "The disk is full.",
    }.items()
}
"""What a request with a recording may be refused with."""


def operations(schema: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """What a page shows of each operation of an OpenAPI schema, in its order."""
    for path, methods in schema["paths"].items():
        for method, told in methods.items():
            body = told.get("requestBody", {}).get("content", {}).get("multipart/form-data", {}).get("schema", {})
            responses = {status: each["description"] for status, each in sorted(told["responses"].items())}
            first, _, rest = told.get("description", "").partition("\n\n")
            yield {
                "method": method.upper(),
                "path": path,
                "first": first,
                "rest": rest,
                "fields": body.get("properties", {}),
                "responses": responses,
            }


def answer_fields(schema: Mapping[str, Any]) -> dict[str, str]:
    """The fields of an answer and the type of each, in words."""
    properties = schema["components"]["schemas"]["Answer"]["properties"]
    return {name: _type(told) for name, told in properties.items()}


def _type(told: Mapping[str, Any]) -> str:
    if "anyOf" in told:
        return " or ".join(_type(each) for each in told["anyOf"])
    if told.get("type") == "object":
        inner = told.get("additionalProperties")
        return f"object of {_type(inner)}" if isinstance(inner, Mapping) else "object"
    if told.get("type") == "array":
        inside = told.get("prefixItems") or [told.get("items", {})]
        return f"list of {_type(inside[0])}" if len(inside) == 1 else f"[{', '.join(map(_type, inside))}]"
    return str(told.get("type") or told.get("$ref", "anything").rpartition("/")[2])
