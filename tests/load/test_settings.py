"""Settings: where they are found, what overrides what, and what is refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from assetflow.errors import AssetflowError
from assetflow.load.settings import Settings, find_settings

EMPTY: dict[str, str] = {}


def settings(folder: Path, text: str, name: str = "assetflow.toml") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")
    return folder


def refused(folder: Path, **arguments: object) -> str:
    with pytest.raises(AssetflowError) as caught:
        find_settings(folder, **{"environ": EMPTY, **arguments})  # type: ignore[arg-type]
    return str(caught.value).replace(str(folder), "HERE")


def origins(found: Settings) -> dict[str, str]:
    return {each.name: each.origin for each in found.entries()}


def test_the_nearest_folder_upwards_with_settings_is_the_project(tmp_path: Path) -> None:
    settings(tmp_path, '[project]\nname = "x"\n[tool.assetflow]\nmodules = ["shop"]\n', "pyproject.toml")
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    settings(tmp_path / "a", "[tool.other]\n", "pyproject.toml")
    found = find_settings(deep, environ=EMPTY)
    assert found.root == tmp_path
    assert found.modules == ("shop",)
    assert origins(found)["modules"] == "pyproject.toml"
    assert found.catalog == str(tmp_path / "catalog.db")
    assert found.store == str(tmp_path / ".assetflow" / "store")
    assert (found.environment, found.jobs, found.confirm_above) == ("main", os.cpu_count(), 10_000)
    assert origins(found)["store"] == "default"


def test_named_modules_need_no_settings(tmp_path: Path) -> None:
    found = find_settings(tmp_path, modules=["shop", "lab"], environ=EMPTY)
    assert (found.root, found.modules, found.file) == (tmp_path, ("shop", "lab"), "")
    assert origins(found)["modules"] == "-m"


def test_variables_override_the_file_and_arguments_override_variables(tmp_path: Path) -> None:
    settings(tmp_path, 'modules = ["a"]\nstore = "kept"\njobs = 3\nenvironment = "dev"\n')
    environ = {
        "ASSETFLOW_MODULES": "b, c",
        "ASSETFLOW_STORE": "/elsewhere",
        "ASSETFLOW_CATALOG": "postgresql://host/db",
        "ASSETFLOW_JOBS": "5",
        "ASSETFLOW_ENVIRONMENT": "test",
    }
    found = find_settings(tmp_path, environ=environ)
    assert (found.modules, found.store, found.jobs) == (("b", "c"), "/elsewhere", 5)
    assert (found.catalog, found.environment) == ("postgresql://host/db", "test")
    assert origins(found)["jobs"] == "ASSETFLOW_JOBS"
    given = find_settings(tmp_path, environ=environ, modules=["d"], environment="prod", jobs=7)
    assert (given.modules, given.environment, given.jobs) == (("d",), "prod", 7)
    assert [origins(given)[name] for name in ("modules", "environment", "jobs")] == ["-m", "--env", "--jobs"]


def test_home_holds_catalog_and_store(tmp_path: Path) -> None:
    settings(tmp_path, 'modules = ["a"]\nstore = "kept"\n')
    found = find_settings(tmp_path, environ={"ASSETFLOW_HOME": "/home/af", "ASSETFLOW_STORE": "/other"})
    assert found.catalog == "/home/af/catalog.db"
    assert found.store == "/other"
    assert origins(found)["catalog"] == "ASSETFLOW_HOME"


def test_relative_paths_of_the_file_are_of_the_projects_folder(tmp_path: Path) -> None:
    settings(tmp_path, 'modules = ["a"]\ncatalog = "../c.db"\nstore = "s3://bucket/x"\n')
    found = find_settings(tmp_path, environ=EMPTY)
    assert (found.catalog, found.store) == (str(tmp_path.parent / "c.db"), "s3://bucket/x")


def test_the_environment_may_hold_user_and_branch(tmp_path: Path) -> None:
    settings(tmp_path, 'modules = ["a"]\nenvironment = "{user}-{branch}"\n')
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "HEAD").write_text("ref: refs/heads/feature/new-x\n")
    assert find_settings(tmp_path, environ={"USER": "ann"}).environment == "ann-feature-new-x"
    (tmp_path / ".git" / "HEAD").write_text("0123456789abcdef0123\n")
    assert find_settings(tmp_path, environ={"USER": "ann"}).environment == "ann-commit-0123456789ab"
    assert refused(tmp_path, environment="{team}") == (
        "error[bad-environment]: the environment '{team}' holds {team}\n"
        "  --env\n"
        "hint: {user} and {branch} can be filled in"
    )
    assert "cannot name an environment" in refused(tmp_path, environment="a b")


def test_a_branch_outside_of_git_is_refused(tmp_path: Path) -> None:
    assert "is in no git repository" in refused(tmp_path, modules=["a"], environment="{branch}")


def test_config_show_prints_each_value_with_its_origin(tmp_path: Path) -> None:
    settings(
        tmp_path,
        """
        modules = ["a"]
        [parameters]
        limit = 1
        day = 2
        [resources.api]
        url = "u"
        token = { env = "T" }
        [environments.prod]
        protected = true
        [environments.prod.parameters]
        limit = 3
        [environments.prod.resources.api]
        url = "v"
        """,
    )
    rows = {e.name: (e.value, e.origin) for e in find_settings(tmp_path, environ=EMPTY, environment="prod").entries()}
    assert rows["parameters.limit"] == (3, "assetflow.toml [environments.prod]")
    assert rows["parameters.day"] == (2, "assetflow.toml")
    assert rows["resources.api.url"] == ("v", "assetflow.toml [environments.prod]")
    assert rows["resources.api.token"] == ({"env": "T"}, "assetflow.toml")
    assert rows["protected"] == (True, "assetflow.toml [environments.prod]")
    main = {e.name: e.value for e in find_settings(tmp_path, environ=EMPTY).entries()}
    assert main["resources.api.url"] == "u"
    assert "protected" not in main


def test_all_faults_of_a_file_are_told_with_their_keys(tmp_path: Path) -> None:
    settings(
        tmp_path,
        """
        modlues = ["a"]
        modules = ["a b"]
        jobs = 0
        store = 3
        sql = "sql/"
        parameters = 1
        [resources]
        api = "u"
        [environments.prod]
        protect = true
        protected = "yes"
        [environments.prod.resources]
        db = 3
        """,
    )
    assert refused(tmp_path) == (
        "error[unknown-setting]: there is no setting modlues\n"
        "  HERE/assetflow.toml: modlues\n"
        "hint: did you mean modules?\n"
        "error[bad-setting]: modules must name modules, as in ['projects.shop'], got 'a b'\n"
        "  HERE/assetflow.toml: modules\n"
        "error[bad-setting]: jobs must be a whole number of at least 1, got 0\n"
        "  HERE/assetflow.toml: jobs\n"
        "error[bad-setting]: store must be a text, got 3\n"
        "  HERE/assetflow.toml: store\n"
        "error[bad-setting]: sql must be a list of texts, got 'sql/'\n"
        "  HERE/assetflow.toml: sql\n"
        "error[bad-setting]: parameters must be a table, got 1\n"
        "  HERE/assetflow.toml: parameters\n"
        "error[bad-setting]: resources.api must be a table, got 'u'\n"
        "  HERE/assetflow.toml: resources.api\n"
        "error[unknown-setting]: there is no setting environments.prod.protect\n"
        "  HERE/assetflow.toml: environments.prod.protect\n"
        "hint: did you mean protected?\n"
        "error[bad-setting]: environments.prod.protected must be true or false, got 'yes'\n"
        "  HERE/assetflow.toml: environments.prod.protected\n"
        "error[bad-setting]: environments.prod.resources.db must be a table, got 3\n"
        "  HERE/assetflow.toml: environments.prod.resources.db"
    )


def test_a_key_of_pyproject_is_named_with_its_table(tmp_path: Path) -> None:
    settings(tmp_path, '[tool.assetflow]\nmodules = ["a"]\njobs = "x"\n', "pyproject.toml")
    assert refused(tmp_path) == (
        "error[bad-setting]: jobs must be a whole number of at least 1, got 'x'\n"
        "  HERE/pyproject.toml: tool.assetflow.jobs"
    )


def test_a_bad_variable_is_named(tmp_path: Path) -> None:
    settings(tmp_path, 'modules = ["a"]\n')
    assert refused(tmp_path, environ={"ASSETFLOW_JOBS": "many"}) == (
        "error[bad-setting]: ASSETFLOW_JOBS must be a whole number of at least 1, got 'many'\n  ASSETFLOW_JOBS"
    )


def test_a_file_that_is_no_toml_is_told_with_its_line(tmp_path: Path) -> None:
    settings(tmp_path, 'modules = ["a"]\njobs =\n')
    text = refused(tmp_path)
    assert text.startswith("error[bad-settings]: assetflow.toml is not TOML: ")
    assert text.endswith("HERE/assetflow.toml:2")


def test_settings_in_two_files_of_one_folder_are_refused(tmp_path: Path) -> None:
    settings(tmp_path, 'modules = ["a"]\n')
    settings(tmp_path, "[tool.assetflow]\n", "pyproject.toml")
    assert refused(tmp_path).startswith("error[bad-settings]: the settings stand in two files")


def test_where_there_is_no_project_it_says_what_to_do(tmp_path: Path) -> None:
    assert refused(tmp_path) == (
        "error[no-project]: no assetflow project in HERE or above\n"
        "hint: start one with assetflow init, name a module with -m, or a folder with -C"
    )
    settings(tmp_path, "jobs = 2\n")
    assert refused(tmp_path) == (
        "error[no-project]: assetflow.toml names no modules\n"
        "  HERE/assetflow.toml\n"
        'hint: write modules = ["package"], or name one with -m'
    )
    assert refused(tmp_path / "nowhere").startswith("error[no-project]: there is no folder")


def test_hostile_texts_in_settings_are_texts(tmp_path: Path) -> None:
    settings(tmp_path, 'modules = ["a"]\nstore = "{{7*7}}/${HOME}"\n')
    assert find_settings(tmp_path, environ=EMPTY).store == str(tmp_path / "{{7*7}}" / "${HOME}")
