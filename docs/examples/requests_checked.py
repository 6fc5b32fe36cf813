"""A request is a value: checked when it is made, and frozen from then on."""

import warnings

import volcv_async as volcv

request = volcv.GeneralV21(prompt="a red fox", width=640, height=360, seed=7)
print(request.req_key, request.width, request.scale)

try:
    volcv.GeneralV14(prompt="a red fox", width=1024)
except volcv.InvalidRequestError as error:
    print(error)

with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    volcv.GeneralV21(prompt="a red fox", width=1024)
print(caught[0].message)

unknown = volcv.RawRequest(req_key="high_aes_general_v30l_zt2i", body={"prompt": "a red fox"})
print(unknown.prompt)
