"""Fetches the form of an order from a payer and fills it in, in the terminal. It needs `pip install requests`.

    python3 fill_in.py http://127.0.0.1:8000/fhir package.json [ACCESS_TOKEN]

Answer yes, no, or the code of an option; an empty line means "don't know".
"""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import requests

BASE, FILE, *TOKEN = sys.argv[1:]
DTR = "http://hl7.org/fhir/us/davinci-dtr/StructureDefinition"
ADAPTIVE = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-questionnaireAdaptive"
PRACTITIONER = {"reference": "Practitioner/practitioner-1"}
MADE_BY_HAND = {
    "url": f"{DTR}/information-origin",
    "extension": [
        {"url": "source", "valueCode": "manual"},
        {"url": "author", "extension": [{"url": "practitioner", "valueReference": PRACTITIONER}]},
    ],
}


def post(url, resource):
    """Send a resource, and return the one that comes back."""
    headers = {"Content-Type": "application/fhir+json"}
    if TOKEN:
        headers["Authorization"] = f"Bearer {TOKEN[0]}"
    answer = requests.post(url, json.dumps(resource), headers=headers, timeout=30)
    if not answer.ok:
        sys.exit(f"{answer.status_code} {answer.text}")
    return answer.json()


def answered(asked, before):
    """Return the items of the response: what stands in it, and what the user answers to each new question."""
    known = {item["linkId"]: item for item in before}
    for item in asked:
        if item["type"] == "display":
            continue
        found = known.get(item["linkId"], {"linkId": item["linkId"], "text": item["text"]})
        if item["type"] in ("boolean", "choice") and item["linkId"] not in known:
            print(f"{item['text']} [{options(item)}]")
            said = input().strip()
            if said:
                found["answer"] = [{"extension": [MADE_BY_HAND], **value(item, said)}]
        if within := list(answered(item.get("item", ()), found.get("item", ()))):
            found["item"] = within
        yield found


def options(item):
    """Return what can be answered to a question."""
    return "/".join([each["valueCoding"]["code"] for each in item.get("answerOption", ())] or ["yes", "no"])


def value(item, said):
    """Return the value of an answer."""
    if item["type"] == "boolean":
        return {"valueBoolean": said == "yes"}
    return next(each for each in item["answerOption"] if each["valueCoding"]["code"] == said)


package = post(f"{BASE}/Questionnaire/$questionnaire-package", json.loads(Path(FILE).read_bytes()))
for parameter in package.get("parameter", ()):
    if parameter["name"] != "packagebundle":
        print("The payer says:", *(each["diagnostics"] for each in parameter["resource"]["issue"]))
        continue
    form, response = (entry["resource"] for entry in parameter["resource"]["entry"][:2])
    (next_question,) = (each["valueUrl"] for each in form["extension"] if each["url"] == ADAPTIVE)
    print(form["title"], form["version"])
    while response["status"] == "in-progress":
        asked = response["contained"][0].get("item", ())
        if items := list(answered(asked, response.get("item", ()))):
            response["item"] = items
        response["authored"] = datetime.now(UTC).isoformat(timespec="seconds")
        response["author"] = PRACTITIONER
        response = post(next_question, response)
    for extension in response["extension"]:
        if extension["url"].endswith("/ext-coverage-information"):
            print("covered:", next(each["valueCode"] for each in extension["extension"] if each["url"] == "covered"))
    Path("response.json").write_text(json.dumps(response, indent=2), encoding="utf-8")
    print("The completed response is in response.json.")
