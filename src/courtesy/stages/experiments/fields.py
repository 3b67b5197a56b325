"""The fields of ``experiments/NAME.yaml``, before anything is made of them."""

from typing import Annotated, Any, Literal

from pydantic import Field

from courtesy.ground.definitions import Model

_NAME = r"^[a-z0-9][a-z0-9_-]*$"

_Name = Annotated[str, Field(max_length=100, pattern=_NAME)]
_Words = Annotated[str, Field(pattern=r"\S")]
_Stop = Literal["harm", "futility", "sample_ratio"]


class LayerFields(Model):
    """A part of a layer."""

    name: _Name
    start: str = Field(alias="from")
    end: str = Field(alias="to")


class GuardrailFields(Model):
    """A guardrail."""

    metric: str
    harm: Any


class DecisionFields(Model):
    """What will be done for each outcome."""

    better: _Words
    worse: _Words
    not_significant: _Words


class PlanFields(Model):
    """A pilot's plan."""

    hypothesis: _Words
    primary: str
    minimal_effect: Any
    guardrails: tuple[GuardrailFields, ...] = Field(default=(), strict=False)
    power: str = "80%"
    alpha: str = "5%"
    history: str | None = None
    longest: str
    stops: frozenset[_Stop] = Field(default=frozenset({"harm"}), strict=False)
    decisions: DecisionFields


class ObservedFields(Model):
    """An experiment that others ran."""

    at: Any
    within: str
    arms: dict[str, Any]
    control: _Name
    randomised: bool = False
    carry_over: str | None = None


class ExperimentFields(Model):
    """A whole file."""

    experiment: _Name
    owner: str | None = Field(default=None, pattern=r"^[^@\s]+@[^@\s]+$")
    description: str | None = None
    arms: dict[str, Any] | None = None
    factors: dict[str, Any] | None = None
    control: str | None = None
    traffic: Any = None
    layer: LayerFields | None = None
    cluster: _Words | None = None
    eligible: Any = Field(default=None, alias="if")
    values: dict[str, Any] | None = None
    metrics: tuple[str, ...] = Field(default=(), strict=False)
    treated_by: Any = None
    trigger: Any = None
    segments: tuple[_Words, ...] = Field(default=(), strict=False)
    strata: _Words | None = None
    plan: PlanFields | None = None
    observed: ObservedFields | None = None
