"""Several files are labelled into one folder."""

from __future__ import annotations

import os
import warnings
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from npbert.cli.request import STANDARD_INPUT, ClassifyRequest, wrong_usage
from npbert.cli.table import (
    Model,
    choose_format,
    count_threads,
    label_table,
    make_recipe,
    read_table,
)
from npbert.tables.formats import format_of
from npbert.tables.output_folder import OutputFolder, digest_of, resumable_folder
from npbert.tables.parts import (
    expand_patterns,
    find_parts,
    is_pattern,
    name_of_output,
    require_different_names,
)
from npbert.tables.source import open_source

if TYPE_CHECKING:
    from npbert.tables.labelling import Counts


class _Job(NamedTuple):
    """One file that is to be labelled, and what its output will be."""

    path: str
    name: str
    format: str
    columns: list[str]


def is_folder_asked_for(request: ClassifyRequest) -> bool:
    """Tell whether the results go to a folder, with one file per input.

    This is so if there are several inputs, a folder or a pattern of them, or if the name of the
    output ends in a slash.
    """
    paths = request.input_paths
    is_named = (request.output_path or "").endswith(("/", os.sep))
    is_several = len(paths) > 1 or any(os.path.isdir(path) or is_pattern(path) for path in paths)
    return bool(paths) and (is_named or is_several)


def label_folder(request: ClassifyRequest, model: Model) -> tuple[int, Counts]:
    """Label several files, and return how many they are, and the sums of their counts.

    Raises
    ------
    argparse.ArgumentError
        If the arguments do not go together.
    OSError, ValueError, ModuleNotFoundError
        As `label_table` does. Whether the files can be read is found out before the first of them
        is labelled, as far as their beginnings tell.
    """
    from npbert.tables.labelling import Counts

    target = _require_folder(request)
    jobs = _make_jobs(request, target)
    names = [job.name for job in jobs]
    with resumable_folder(
        Path(target), names, resume=request.resume, force=request.force
    ) as folder:
        n_threads = count_threads(request, folder.recipe)
        labeller = model.make_labeller(n_threads)
        for job in jobs:
            labeller.reject_taken_names(job.columns, job.path)
        folder.begin(
            make_recipe(request, model, labeller, n_threads)
            | {"column": request.column, "format": request.output_format}
        )
        request = replace(request, n_threads=n_threads)
        counts = [
            _label_part(request, model, folder, job, f"{number} of {len(jobs)}: ")
            for number, job in enumerate(jobs, 1)
        ]
        folder.complete()
    return len(jobs), sum(counts, start=Counts())


def _require_folder(request: ClassifyRequest) -> str:
    """Return the name of the output folder, or raise an error if there is none."""
    if STANDARD_INPUT in request.input_paths:
        raise wrong_usage("standard input cannot be one of several inputs; label it by itself")
    if request.output_path is None:
        raise wrong_usage("several inputs become as many files; give --output FOLDER")
    if format_of(request.output_path) is not None:
        raise wrong_usage(
            f"several inputs become as many files, so --output is the name of a folder; "
            f"{request.output_path} has the ending of a file"
        )
    return request.output_path


def _make_jobs(request: ClassifyRequest, target: str) -> list[_Job]:
    """Find the files, and read the beginning of each."""
    any_ending = request.input_format is not None
    parts = find_parts(expand_patterns(request.input_paths), target, any_ending=any_ending)
    jobs = []
    for part in parts:
        with open_source(part.path) as source, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # they are shown when the file is labelled
            table = read_table(request, source)
            format = choose_format(request, table.format)
        name = name_of_output(part.name, format)
        jobs.append(_Job(part.path, name, format, table.columns))
    require_different_names((job.path, job.name) for job in jobs)
    return jobs


def _label_part(
    request: ClassifyRequest, model: Model, folder: OutputFolder, job: _Job, title: str
) -> Counts:
    """Label one of the files, unless an earlier run has done it, and return its counts."""
    from npbert.tables.labelling import Counts

    earlier = folder.counts_of(job.name, job.path)
    if earlier is not None:
        return Counts(**earlier)
    digest = digest_of(job.path)
    of_part = replace(
        request,
        input_paths=(job.path,),
        output_path=str(folder.path_of(job.name)),
        output_format=job.format,
        # A file that stands there was complete, but the run was killed before it could note that.
        resume=True,
        force=True,
    )
    counts = label_table(of_part, model, title)
    folder.add(job.name, digest, asdict(counts))
    return counts
