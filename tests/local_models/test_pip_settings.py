from conversations.local_models.pip_settings import PipSettings, parse_pip_settings, read_pip_settings

CONFIGURED = """
:env:.index-url='https://env.example/simple'
global.cert='/etc/ca.pem'
global.extra-index-url='file:///opt/simple https://more.example/simple'
global.index-url='https://global.example/simple'
global.proxy='http://proxy.example:3128'
install.index-url='https://install.example/simple'
"""
# As `pip help download` prints it.
USAGE = """
  -i, --index-url <url>       Base URL of the Python Package Index (default
                              https://default.example/simple). This should point
                              to a repository compliant with PEP 503.
"""


def test_it_works() -> None:
    assert parse_pip_settings(CONFIGURED, USAGE) == PipSettings(
        ("https://env.example/simple", "https://more.example/simple"), "/etc/ca.pem", "http://proxy.example:3128"
    )


def test_without_a_setting_it_is_the_default_index() -> None:
    assert parse_pip_settings("", USAGE) == PipSettings(("https://default.example/simple",), "", "")


def test_without_pip_there_is_no_index() -> None:
    assert parse_pip_settings("", "") == PipSettings((), "", "")


def test_what_is_set_for_downloads_goes_before_what_is_set_for_all() -> None:
    output = "download.index-url='https://a.example'\nglobal.index-url='https://b.example'"
    assert parse_pip_settings(output, USAGE).indexes == ("https://a.example",)


def test_pip_is_asked() -> None:
    assert read_pip_settings().indexes
