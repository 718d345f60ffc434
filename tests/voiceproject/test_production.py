"""What must hold on a site that others reach."""

import http.client
import re
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.support.live import ROOT, Site, manage, run_site
from tests.support.production import PRODUCTION


def test_check_deploy_is_clean() -> None:
    result = manage("check", "--deploy", "--fail-level", "WARNING", env=PRODUCTION)
    assert result.returncode == 0, result.stderr
    assert "no issues" in result.stdout


def test_no_migration_is_missing(database_url: str) -> None:
    result = manage("makemigrations", "--check", "--dry-run", env={"DATABASE_URL": database_url})
    assert result.returncode == 0, result.stdout


@contextmanager
def get(site: Site, path: str, **headers: str) -> Iterator[http.client.HTTPResponse]:
    with closing(http.client.HTTPConnection(site.url.removeprefix("http://"), timeout=10)) as connection:
        connection.request("GET", path, headers=headers)
        with connection.getresponse() as response:
            yield response


@pytest.fixture(scope="module")
def production_site(database_url: str) -> Iterator[Site]:
    with run_site(database_url, {**PRODUCTION, "STATIC_HASHED": "false", "ACCESS_LOG": "true"}) as site:
        yield site


def test_behind_the_proxy(production_site: Site) -> None:
    proxied = {"Host": "voice.example.com", "X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.7"}
    with get(production_site, "/accounts/login/?next=/secret", **proxied) as page:
        assert page.status == 200
        assert page.headers["Strict-Transport-Security"]
        assert "unsafe" not in page.headers["Content-Security-Policy"]
        assert page.headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert all("Secure" in cookie for cookie in page.headers.get_all("Set-Cookie") or [])
        assert page.headers["Server"] is None
    with get(production_site, "/accounts/login/", Host="voice.example.com") as plain:
        assert (plain.status, plain.headers["Location"]) == (301, "https://voice.example.com/accounts/login/")
    with get(production_site, "/accounts/login/", Host="elsewhere.example.com") as foreign:
        assert foreign.status == 400
    production_site.wait_for_log("GET /accounts/login/ 200")
    assert "secret" not in production_site.log
    assert "Traceback" not in production_site.log


def test_probes_ask_for_neither_name_nor_tls(production_site: Site) -> None:
    with get(production_site, "/healthz") as health, get(production_site, "/readyz", Host="10.0.0.3") as ready:
        assert (health.status, ready.status) == (200, 200)


def test_one_time_links_are_cut_in_the_log(production_site: Site) -> None:
    token = "ImZpcnN0IGFkbWluIg:1xVO4F:O6tJPIxToTYrS1UzOhMEu74GubucEdbINVH6BFu"
    with get(production_site, f"/set-up/{token}/"):
        pass
    production_site.wait_for_log("/set-up/ImZpcnN0…/")
    assert token not in production_site.log


def test_static_files_under_hashed_names(start_site: Callable[..., Site], tmp_path: Path) -> None:
    env = {**PRODUCTION, "STATIC_ROOT": str(tmp_path / "static")}
    result = manage("collectstatic", "--noinput", env=env)
    assert result.returncode == 0, result.stderr
    site = start_site(**env | {"HTTPS": "false"})
    with get(site, "/accounts/login/", Host="voice.example.com") as page:
        style = re.search(r"/static/css/site\.[0-9a-f]{12}\.css", page.read().decode())
    assert style
    with get(site, style[0], **{"Accept-Encoding": "gzip"}) as sheet:
        assert sheet.status == 200
        assert "immutable" in sheet.headers["Cache-Control"]
        assert sheet.headers["Content-Encoding"] == "gzip"


def test_modules_import_each_other_by_hashed_names(tmp_path: Path) -> None:
    """An unhashed import would load an old module into a new page, and twice."""
    manage("collectstatic", "--noinput", env={**PRODUCTION, "STATIC_ROOT": str(tmp_path)})
    scripts = [path for path in tmp_path.glob("js/**/*.js") if re.search(r"\.[0-9a-f]{12}\.js$", path.name)]
    assert len(scripts) == len(list((ROOT / "static/js").glob("**/*.js")))
    imported = re.compile(r"""(?:from|import)\s*\(?["'](\.[^"']+)["']""")
    for script in scripts:
        code = re.sub(r"/\*.*?\*/", "", script.read_text(), flags=re.S)  # types are imported in comments
        for name in imported.findall(code):
            assert re.search(r"\.[0-9a-f]{12}\.js$", name), f"{script.name} imports {name}"
            assert (script.parent / name).resolve().exists()
