from conversations.local_models.pip_settings import DEFAULT_INDEX, PipSettings, parse_pip_settings, read_pip_settings

CONFIGURED = """
:env:.index-url='https://env.example/simple'
global.cert='/etc/ca.pem'
global.extra-index-url='file:///opt/simple https://more.example/simple'
global.index-url='https://global.example/simple'
global.proxy='http://proxy.example:3128'
install.index-url='https://install.example/simple'
"""


def test_it_works() -> None:
    assert parse_pip_settings(CONFIGURED) == PipSettings(
        ("https://env.example/simple", "https://more.example/simple"), "/etc/ca.pem", "http://proxy.example:3128"
    )


def test_without_a_setting_it_is_the_default_index() -> None:
    assert parse_pip_settings("") == PipSettings((DEFAULT_INDEX,), "", "")


def test_what_is_set_for_downloads_goes_before_what_is_set_for_all() -> None:
    output = "download.index-url='https://a.example'\nglobal.index-url='https://b.example'"
    assert parse_pip_settings(output).indexes == ("https://a.example",)


def test_pip_is_asked() -> None:
    assert read_pip_settings().indexes
