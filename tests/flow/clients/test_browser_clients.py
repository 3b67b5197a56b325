"""Libraries of browsers, unmodified, on a page of another origin: blocks of docs/clients.md."""

import httpx
import pytest

from .conftest import KEY, Served, Visit, block, bundled

ALL = {"identify": 1, "Page Viewed": 1, "Order Completed": 1}


def get(url: str) -> httpx.Response:
    return httpx.get(url, headers={"Origin": "https://shop.example"})


def test_the_script_of_analytics_js_comes_from_here_and_sends_here(
    visit: Visit, served: Served
) -> None:
    title = "Browser: analytics.js of Segment, from your own server"
    markup, customer = block(title, served.secure_url)
    visit(markup)
    assert served.names(customer, 3) == ALL


@pytest.mark.parametrize(
    "title", ["Browser: analytics.js of Segment, as a package", "Browser: RudderStack"]
)
def test_a_package_is_pointed_here(visit: Visit, served: Served, title: str) -> None:
    program, customer = block(title, served.secure_url)
    visit(bundled(program))
    assert served.names(customer, 3) == ALL


def test_the_web_provider_of_openfeature_is_given_its_flags(visit: Visit, served: Served) -> None:
    program, _ = block("Browser: flags with OpenFeature", served.secure_url)
    page = visit("<title>A page that shows a button</title>")
    with page.expect_console_message() as shown:
        page.set_content(bundled(program))
    assert shown.value.text in {"button: blue", "button: green"}


@pytest.mark.parametrize(
    "path",
    [
        "/v1/projects/nobody/settings",
        "/analytics.js/v1/nobody/analytics.min.js",
        "/analytics-next/bundles/absent.js",
        "/analytics-next/bundles/..%2Fpackage.json",
    ],
)
def test_what_is_not_there_is_a_404_that_the_page_can_read(served: Served, path: str) -> None:
    answer = get(served.url + path)
    assert answer.status_code == 404
    assert answer.headers["Access-Control-Allow-Origin"] == "https://shop.example"
    assert answer.json()["message"]


def test_a_source_with_an_unknown_key_is_refused_readably(served: Served) -> None:
    answer = get(f"{served.url}/sourceConfig/?writeKey=nobody")
    assert answer.status_code == 401
    assert answer.headers["Access-Control-Allow-Origin"] == "https://shop.example"


def test_settings_name_the_address_by_which_they_were_asked_for(served: Served) -> None:
    answer = get(f"{served.url}/v1/projects/{KEY}/settings")
    sender = answer.json()["integrations"]["Segment.io"]
    host = served.url.removeprefix("http://")
    assert sender == {"apiKey": KEY, "apiHost": f"{host}/v1", "protocol": "http"}
