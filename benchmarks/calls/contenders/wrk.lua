-- Posts a prompt, and says how many replies came.
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer benchmark-key"
wrk.body = '{"req_key": "high_aes_general_v21_L", "prompt": "Vast armies charging forward"}'

function done(summary)
   print("replies " .. summary.requests)
end
