"""What operators may set of local directories."""

from pathlib import Path

import pytest

from shared.runtime.settings import SettingsError, read_settings


def test_local_directories_have_names() -> None:
    found = read_settings(local_directories=" share=/mnt/share, archive-2=/mnt/with = sign ,").directories
    assert found == {"share": Path("/mnt/share"), "archive-2": Path("/mnt/with = sign")}
    assert read_settings().directories == {}


@pytest.mark.parametrize(
    "value",
    [
        "/mnt/share",
        "share",
        "share=mnt/share",
        "Share=/mnt/share",
        "../x=/mnt/share",
        "a=/mnt/a,a=/mnt/b",
        "all=/data/drop/",
        "all=/data",
        "one=/data/drop/some-account",
        "runs=/mnt/../data/work",
    ],
)
def test_a_directory_without_a_name_or_over_hosted_folders_stops_the_start(value: str) -> None:
    with pytest.raises(SettingsError, match="TIDEGATE_LOCAL_DIRECTORIES"):
        read_settings(local_directories=value, drop_directory=Path("/data/drop"), work_directory=Path("/data/work"))


def test_hosted_webdav_is_on_where_it_has_a_port_or_a_certificate() -> None:
    assert read_settings().webdav_listens_on is None
    assert read_settings(webdav_port=0).webdav_listens_on == 0
    assert read_settings(webdav_certificate_file=Path("/tls.crt")).webdav_listens_on == 8443


@pytest.mark.parametrize(
    "url",
    [
        *("drop.example", "ftp://drop.example/", "https://drop.example/in/", "https://a@b/"),
        # Partners send passwords there.
        *("http://drop.example/", "http://localhost.example/", "http://127.0.0.1.example:80/"),
    ],
)
def test_what_partners_are_told_of_webdav_is_an_address_without_a_path(url: str) -> None:
    with pytest.raises(SettingsError, match="TIDEGATE_PUBLIC_WEBDAV_URL"):
        read_settings(public_webdav_url=url)


def test_webdav_trusts_proxies_of_its_own_and_has_a_certificate_to_its_key() -> None:
    settings = read_settings(public_webdav_url="http://localhost:8088/", trusted_proxies="10.0.0.0/8")
    assert settings.webdav_trusted_proxies == ""
    with pytest.raises(SettingsError, match="TIDEGATE_WEBDAV_TRUSTED_PROXIES"):
        read_settings(webdav_trusted_proxies="proxy")
    with pytest.raises(SettingsError, match="TIDEGATE_WEBDAV_KEY_FILE without TIDEGATE_WEBDAV_CERTIFICATE_FILE"):
        read_settings(webdav_key_file=Path("/tls.key"), webdav_port=8443)
