from collections.abc import Callable
from datetime import timedelta

import pytest

from courtesy.ground.definitions import check, read_yaml
from courtesy.ground.primitives.errors import DefinitionError
from courtesy.stages.messages.policy import Policy

MakePolicy = Callable[..., Policy]


def test_a_whole_policy(make_policy: MakePolicy) -> None:
    policy = make_policy(
        'quiet_hours: {from: "21:00", to: "08:00"}\n'
        "default_time_zone: Europe/Paris\n"
        "caps:\n"
        "  - {channel: email, at_most: 3, within: 7d}\n"
        "  - {channel: email, at_most: 1, within: 1d}\n"
        "service_topics: [receipts]\n"
    )
    assert policy.longest_cap == timedelta(days=7)
    assert policy.service_topics == {"receipts"}


def test_a_small_policy(make_policy: MakePolicy) -> None:
    policy = make_policy()
    assert (policy.quiet_hours, policy.caps, policy.longest_cap) == (None, (), timedelta(0))
    assert (policy.holdouts.universal, policy.holdouts.programs, policy.costs) == (0, {}, {})


def test_holdouts_and_costs(make_policy: MakePolicy) -> None:
    policy = make_policy(
        "holdouts: {universal: 5%, programs: {onboarding: 10%}, cluster: household}\n"
        "costs: {email: 0.0008}\n"
    )
    assert policy.holdouts.universal == pytest.approx(0.05)
    assert policy.holdouts.programs == {"onboarding": pytest.approx(0.1)}
    assert policy.holdouts.cluster == "household"
    assert policy.costs == {"email": 0.0008}


@pytest.mark.parametrize(
    ("more", "place", "said"),
    [
        ("quiet_hours: {from: 21:00, to: '08:00'}", "4: quiet_hours.from", "in quotes"),
        ("quiet_hours: {from: '25:00', to: '08:00'}", "4: quiet_hours.from", "hour must be in"),
        ("quiet_hours: {from: '08:00', to: '08:00'}", "4: quiet_hours", "different times"),
        ("quiet_hours: {from: '21:00Z', to: '08:00'}", "4: quiet_hours", "own zone"),
        ("quiet_hours: {from: '21:00'}", "4: quiet_hours.to", "required"),
        ("default_time_zone: Mars/Base", "4: default_time_zone", "IANA"),
        ("caps: [{channel: email, at_most: 0, within: 7d}]", "4: caps[0].at_most", "greater"),
        ("caps: [{channel: email, at_most: 1, within: 7x}]", "4: caps[0].within", "duration"),
        ("caps: [{channel: email, at_most: 1, within: 0d}]", "4: caps[0].within", "greater"),
        ("caps: [{channel: pigeon, at_most: 1, within: 7d}]", "4: caps[0].channel", "email"),
        ("quiet: x", "4: quiet", "no field"),
        ("holdouts: {universal: 5}", "4: holdouts.universal", "such as 10%; found 5."),
        ("holdouts: {universal: 101%}", "4: holdouts.universal", "such as 10%; found '101%'."),
        ("holdouts: {programs: {new: .1}}", "4: holdouts.programs.new", "such as 10%"),
        ("holdouts: {programs: {New: 10%}}", "4: holdouts.programs.New", "small letters"),
        ("holdouts: {programs: {universal: 9%}}", "4: holdouts.programs.universal", "is not"),
        ("holdouts: {programs: 10%}", "4: holdouts.programs", "a valid dictionary"),
        ("holdouts: {cluster: ''}", "4: holdouts.cluster", "one line"),
        ("holdouts: 5%", "4: holdouts", "should hold fields"),
        ("costs: {pigeon: 1}", "4: costs.pigeon", "the channels are: email"),
        ("costs: {email: -1}", "4: costs.email", "greater than or equal to 0"),
        ("costs: {email: .inf}", "4: costs.email", "finite"),
        ("costs: {email: cheap}", "4: costs.email", "number"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(
    make_policy: MakePolicy, more: str, place: str, said: str
) -> None:
    with pytest.raises(DefinitionError) as refusal:
        make_policy(more)
    assert refusal.value.place == f"policy.yaml:{place}"
    assert said in refusal.value.detail


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("sender: {name: B, address: hello@b.example}", "postal_address"),
        ("sender: {name: B, address: hello@b.example}\npostal_address: ' '", "postal_address"),
        ("sender: {name: B, address: hello}\npostal_address: x", "sender.address"),
        ('sender: {name: "B\\nBcc: x", address: h@b.example}\npostal_address: x', "sender.name"),
        ("postal_address: x", "sender"),
    ],
)
def test_every_message_says_who_speaks_and_from_where(text: str, field: str) -> None:
    with pytest.raises(DefinitionError) as refusal:
        check(Policy, read_yaml("policy.yaml", text))
    assert refusal.value.place.endswith(f": {field}")
