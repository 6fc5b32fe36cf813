"""The General family: 1.4, 2.0Pro and 2.1, each with every field that its documents show.

Sizes are those before super-resolution: with ``use_sr`` the picture comes out twice as wide and
twice as high. The provider draws sizes far from 512 more slowly and less well (official).
"""

from __future__ import annotations

import attrs

from volcv_async.models.fields import flag, integer, nested, number, prompt, req_key, text, version
from volcv_async.models.marks import AigcMeta, LogoInfo
from volcv_async.models.request import Request

_SCHEDULES = ("general_v20_9B_pe", "general_v20_9B_rephraser")
_VERSION = "The version of the model."
_SEED = "The same seed very probably draws the same picture; -1 is random."
_SCALE = "How closely the picture follows the prompt."
_STEPS = "Steps of denoising; many take long and may time out."
_WIDTH = "Width before super-resolution."
_HEIGHT = "Height before super-resolution."
_DOUBLES = "Super-resolution: doubles width and height, and takes longer."
_URL = "Answer with a URL instead of base64; both end as the same image."
_MARK = "The visible mark."


@attrs.frozen(kw_only=True)
class GeneralV14(Request):
    """General 1.4 (``high_aes_general_v14``). What is None is not sent.

    Attributes:
        prompt: What to draw, in Chinese or English; required (documented, official).
        model_version: ``general_v1.4``; always sent, required by the provider (documented,
            official).
        seed: -1 is random; default -1 (official). No upper bound is stated.
        scale: 1 to 30; default 3 (official).
        ddim_steps: 1 to 50; default 25 (official).
        width: 128 to 768 pixels before super-resolution; default 512 (official).
        height: 128 to 768 pixels before super-resolution; default 512 (official).
        use_rephraser: Expands Chinese prompts; default true (documented, official).
        use_predict_tags: Default true (documented, official).
        use_sr: Doubles width and height; default false (official).
        sr_seed: Seed of super-resolution; default -1 (official).
        sr_strength: 0 to 1; default 0.4 (official).
        sr_scale: 1 to 30; default 3.5 (official).
        sr_steps: 1 to 50; default 10 (official).
        is_only_sr: Then only the ``sr_`` fields matter; default false (official).
        return_url: A URL instead of base64; default false (documented, official).
        logo_info: The visible mark (documented, official).
        extra: Fields that this class does not know yet.

    A value out of a range that is not official gives a ``VolcvWarning`` and is sent.

    Raises:
        InvalidRequestError: A value is of a wrong type, empty, or out of an official range.
    """

    req_key: str = req_key("high_aes_general_v14")

    prompt: str = prompt()
    model_version: str = version("general_v1.4")
    seed: int | None = integer(_SEED, default=-1, low=-1, source="inferred")
    scale: float | None = number(_SCALE, default=3.0, low=1, high=30)
    ddim_steps: int | None = integer(_STEPS, default=25, low=1, high=50)
    width: int | None = integer(_WIDTH, default=512, low=128, high=768, unit="pixels")
    height: int | None = integer(_HEIGHT, default=512, low=128, high=768, unit="pixels")
    use_rephraser: bool | None = flag("Expands Chinese prompts.", default=True)
    use_predict_tags: bool | None = flag("Predicts tags.", default=True)
    use_sr: bool | None = flag(_DOUBLES, default=False)
    sr_seed: int | None = integer("Seed of super-resolution.", default=-1)
    sr_strength: float | None = number("Strength of super-resolution.", default=0.4, low=0, high=1)
    sr_scale: float | None = number("Scale of super-resolution.", default=3.5, low=1, high=30)
    sr_steps: int | None = integer("Steps of super-resolution.", default=10, low=1, high=50)
    is_only_sr: bool | None = flag("Only the sr_ fields matter.", default=False)
    return_url: bool | None = flag(_URL, default=False)
    logo_info: LogoInfo | None = nested(_MARK, LogoInfo)


@attrs.frozen(kw_only=True)
class GeneralV20Pro(Request):
    """General 2.0Pro, formerly 2.0L (``high_aes_general_v20_L``). What is None is not sent.

    Attributes:
        prompt: What to draw, in Chinese or English; required (documented, official).
        model_version: ``general_v2.0_L``; optional (official pages disagree).
        req_schedule_conf: ``general_v20_9B_pe`` or ``general_v20_9B_rephraser`` (official);
            default the first (community).
        seed: -1 is random; default -1 (documented, official). No upper bound is stated.
        scale: 1 to 10 (community); default 3.5 (documented, official).
        ddim_steps: 1 to 50 (community); default 16 (documented). Too many easily time out
            (official).
        width: 256 to 768 pixels before super-resolution (official); default 512 (documented).
        height: 256 to 768 pixels before super-resolution (official); default 512 (documented).
        use_sr: Doubles width and height (official); default true (community).
        use_pre_llm: A language model expands the prompt (official).
        return_url: A URL instead of base64; default false (documented, official).
        logo_info: The visible mark (documented, official).
        extra: Fields that this class does not know yet.

    A value out of a range that is not official gives a ``VolcvWarning`` and is sent.

    Raises:
        InvalidRequestError: A value is of a wrong type, empty, or out of an official range.
    """

    req_key: str = req_key("high_aes_general_v20_L")

    prompt: str = prompt()
    model_version: str | None = text(_VERSION, choices=("general_v2.0_L",))
    req_schedule_conf: str | None = text(
        "How the prompt is expanded.", default=_SCHEDULES[0], choices=_SCHEDULES
    )
    seed: int | None = integer(_SEED, default=-1, low=-1, source="inferred")
    scale: float | None = number(_SCALE, default=3.5, low=1, high=10, source="community")
    ddim_steps: int | None = integer(_STEPS, default=16, low=1, high=50, source="community")
    width: int | None = integer(_WIDTH, default=512, low=256, high=768, unit="pixels")
    height: int | None = integer(_HEIGHT, default=512, low=256, high=768, unit="pixels")
    use_sr: bool | None = flag(_DOUBLES, default=True)
    use_pre_llm: bool | None = flag("A language model expands the prompt.")
    return_url: bool | None = flag(_URL, default=False)
    logo_info: LogoInfo | None = nested(_MARK, LogoInfo)


@attrs.frozen(kw_only=True)
class GeneralV21(Request):
    """General 2.1 (``high_aes_general_v21_L``). What is None is not sent.

    Text that is to stand in the picture goes into double quotes within the prompt (community).

    Attributes:
        prompt: What to draw, in Chinese or English; required (documented).
        model_version: ``general_v2.1_L``; optional (community).
        req_schedule_conf: ``general_v20_9B_pe`` or ``general_v20_9B_rephraser``; default the
            first (documented).
        llm_seed: Seed of the expansion of the prompt (inferred); default -1 (documented).
        seed: -1 is random; default -1 (documented). No upper bound is stated.
        scale: 1 to 10 (community); default 3.5 (documented).
        ddim_steps: 1 to 200 (community), 1 to 50 recommended; default 25 (documented).
        width: 256 to 768 pixels before super-resolution (community); default 512 (documented).
        height: 256 to 768 pixels before super-resolution (community); default 512 (documented).
        use_pre_llm: A language model expands the prompt; default true (documented). On for short
            prompts, off for long ones (community).
        use_sr: Doubles width and height (documented); default true (community).
        sr_seed: Seed of super-resolution; default -1 (community).
        sr_strength: 0 to 1; default 0.4 (community).
        sr_scale: 1 to 30; default 3.5 (community).
        sr_steps: 1 to 50; default 20 (community).
        is_only_sr: Then only the ``sr_`` fields matter; default false (community).
        negative_prompt: Sent by some clients; in no text-to-image table (community).
        return_url: A URL instead of base64; default false (documented).
        logo_info: The visible mark (documented).
        aigc_meta: The invisible label of origin (community, quoting official).
        extra: Fields that this class does not know yet.

    A value out of these ranges, none of which is official, gives a ``VolcvWarning`` and is sent.

    Raises:
        InvalidRequestError: A value is of a wrong type or empty.
    """

    req_key: str = req_key("high_aes_general_v21_L")

    prompt: str = prompt()
    model_version: str | None = text(_VERSION, choices=("general_v2.1_L",), source="community")
    req_schedule_conf: str | None = text(
        "How the prompt is expanded.", default=_SCHEDULES[0], choices=_SCHEDULES
    )
    llm_seed: int | None = integer("Seed of the expansion.", default=-1, low=-1, source="inferred")
    seed: int | None = integer(_SEED, default=-1, low=-1, source="inferred")
    scale: float | None = number(_SCALE, default=3.5, low=1, high=10, source="community")
    ddim_steps: int | None = integer(_STEPS, default=25, low=1, high=200, source="community")
    width: int | None = integer(
        _WIDTH, default=512, low=256, high=768, unit="pixels", source="community"
    )
    height: int | None = integer(
        _HEIGHT, default=512, low=256, high=768, unit="pixels", source="community"
    )
    use_pre_llm: bool | None = flag("A language model expands the prompt.", default=True)
    use_sr: bool | None = flag(_DOUBLES, default=True)
    sr_seed: int | None = integer("Seed of super-resolution.", default=-1, source="community")
    sr_strength: float | None = number(
        "Strength of super-resolution.", default=0.4, low=0, high=1, source="community"
    )
    sr_scale: float | None = number(
        "Scale of super-resolution.", default=3.5, low=1, high=30, source="community"
    )
    sr_steps: int | None = integer(
        "Steps of super-resolution.", default=20, low=1, high=50, source="community"
    )
    is_only_sr: bool | None = flag("Only the sr_ fields matter.", default=False, source="community")
    negative_prompt: str | None = text("What not to draw.", source="community")
    return_url: bool | None = flag(_URL, default=False)
    logo_info: LogoInfo | None = nested(_MARK, LogoInfo)
    aigc_meta: AigcMeta | None = nested(
        "The invisible label of origin.", AigcMeta, source="community"
    )
