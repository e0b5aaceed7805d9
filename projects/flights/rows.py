"""The rows of the cleaned tables, and what some readers need of them: they are given these columns and no others."""

from datetime import date
from typing import Annotated, Literal

import pyarrow as pa
from pydantic import AwareDatetime, BaseModel, Field

from assetflow import PrimaryKey

Airport = Literal["EWR", "JFK", "LGA"]
Hour = Annotated[int, pa.int8(), Field(ge=0, lt=24)]


class Flight(BaseModel):
    """One scheduled departure."""

    date: date
    time_hour: Annotated[AwareDatetime, PrimaryKey()]
    hour: Hour
    carrier: Annotated[str, PrimaryKey(), Field(min_length=2, max_length=2)]
    flight: Annotated[int, PrimaryKey()]
    tailnum: str | None
    origin: Airport
    dest: Annotated[str, Field(pattern="^[A-Z]{3}$")]
    #: Minutes; null where it was cancelled.
    dep_delay: int | None
    arr_delay: int | None
    distance: int = Field(gt=0)


class Weather(BaseModel):
    """One hour at one airport."""

    origin: Annotated[Airport, PrimaryKey()]
    time_hour: Annotated[AwareDatetime, PrimaryKey()]
    temp: float | None
    wind_speed: float | None = Field(ge=0)
    precip: float = Field(ge=0)
    visib: float = Field(ge=0, le=10)


class Plane(BaseModel):
    """One plane."""

    tailnum: Annotated[str, PrimaryKey()]
    #: The year, where it is known.
    built: int | None = Field(gt=1900)
    manufacturer: str
    model: str
    seats: int = Field(gt=0)


class Delay(BaseModel):
    """How late one flight departed that did, in minutes; below zero it was early."""

    dep_delay: int


class DelayOfDay(Delay):
    """The same, with its day."""

    date: date


class DelayOfHour(Delay):
    """The same, with the hour that it was scheduled for."""

    hour: Hour


class DepartureOfDay(BaseModel):
    """One departure with its day, and whose it was."""

    date: date
    carrier: str
    #: Minutes; null where it was cancelled.
    dep_delay: int | None
