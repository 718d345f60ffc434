"""A corpus of streamed chat completions: as the standard allows, as real servers send, and as broken ones do.

Each says what a reader must make of it. The shapes are those of the servers' documentation and of reports about them;
the words are ours.
"""

import json
from dataclasses import dataclass
from typing import Any

from tests.upstream.raw_answers import Ending, Raw

DONE = b"data: [DONE]\n\n"


@dataclass(frozen=True)
class Case:
    """`code` "" is an answer that is whole; then `finish` and what else is not None is compared, too."""

    name: str
    body: bytes
    text: str = "Four."
    code: str = ""
    finish: str = "stop"
    calls: tuple[tuple[str, Any], ...] = ()  # names and arguments
    tokens: tuple[int, int, int] | None = None  # in, out, cached
    content_type: str = "text/event-stream"
    ending: Ending = "end"

    def raw(self, size: int = 0) -> Raw:
        """Cut into pieces of `size`; 0 is one piece."""
        step = size or max(1, len(self.body))
        pieces = tuple(self.body[start : start + step] for start in range(0, len(self.body), step))
        return Raw(pieces, self.content_type, self.ending)


def data(value: object) -> bytes:
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def chunk(delta: object = None, finish: object = None, **fields: Any) -> bytes:
    choice = {"index": 0, "delta": delta if delta is not None else {}, "finish_reason": finish}
    return data({"id": "chatcmpl-1", "object": "chat.completion.chunk", "choices": [choice], **fields})


def said(text: object, finish: object = None) -> bytes:
    return chunk({"content": text}, finish)


def called(**call: Any) -> bytes:
    return chunk({"tool_calls": [call]})


STOP = chunk(finish="stop")
GOOD = said("Four.") + STOP + DONE
USAGE = {"prompt_tokens": 9, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 4}}
CLOCK: tuple[tuple[str, Any], ...] = (("clock", {}),)
VIENNA: tuple[tuple[str, Any], ...] = (("weather", {"city": "Vienna"}),)


def lines(body: bytes, end: bytes) -> bytes:
    return body.replace(b"\n", end)


STANDARD = (
    Case("plain", GOOD),
    Case("byte order mark", b"\xef\xbb\xbf" + GOOD),
    Case("CRLF", lines(GOOD, b"\r\n")),
    Case("CR alone", lines(GOOD, b"\r")),
    Case("comments", b": ping\n\n: OPENROUTER PROCESSING\n\n:\n" + GOOD + b": bye\n\n"),
    Case("retry before", b"retry: 3000\n\n" + GOOD),
    Case("retry between", said("Fo") + b"retry: 3000\n\n" + said("ur.") + STOP + DONE),
    Case("bare data before", b"data:\n\n" + GOOD),
    Case("bare data between", said("Fo") + b"data: \n\ndata\n\n" + said("ur.") + STOP + DONE),
    Case("id and event", b"id: 1\nevent: message\n" + said("Fo") + b"id\nevent\n" + said("ur.") + STOP + DONE),
    Case("event ping", b"event: ping\n\nevent: ping\ndata:\n\n" + GOOD),
    Case("fields nobody knows", b"foo: bar\nfoo\n" + GOOD),
    Case("no space after the colon", GOOD.replace(b"data: ", b"data:")),
    Case(
        "data on several lines", b'data: {"choices": [{"index": 0,\ndata: "delta": {"content": "Four."}}]}\n\n' + STOP
    ),
    Case("no blank line at the end", said("Four.") + STOP + b"data: [DONE]"),
    Case("no line end at the end", said("Four.") + STOP.rstrip()),
    Case("no blank lines between", (said("Fo") + said("ur.") + STOP + DONE).replace(b"\n\n", b"\n")),
    Case("blank lines in plenty", b"\n\n\n" + said("Four.") + b"\n\n" + STOP + DONE),
    Case("UTF-8 as it is", said("").replace(b'""', '"Grüße, 世界 🎉"'.encode()) + STOP, text="Grüße, 世界 🎉"),
    Case("no UTF-8", said("Four").replace(b"Four", b"Fo\xff\xfeur") + STOP, text="Fo\ufffd\ufffdur"),
)

ENDINGS = (
    Case("DONE alone", said("Four.") + DONE),
    Case("DONE in spaces", said("Four.") + b"data:   [DONE]  \n\n"),
    Case("DONE, then open", said("Four.") + DONE, ending="open"),
    Case("DONE, then cut", GOOD, ending="cut"),
    Case("stop, then open", said("Four.") + STOP, ending="open"),
    Case("stop, then cut", said("Four.") + STOP, ending="cut"),
    Case("stop, then more words", said("Fo", "stop") + said("ur.", "stop") + DONE),
    Case("stop, then garbage", said("Four.") + STOP + b"data: {not json\n\n"),
    Case("stop, then an error", said("Four.") + STOP + data({"error": {"message": "late"}})),
    Case("usage behind", said("Four.") + STOP + data({"choices": [], "usage": USAGE}) + DONE, tokens=(9, 3, 4)),
    Case("usage in each", chunk({"content": "Four."}, usage=USAGE) + chunk(finish="stop", usage=USAGE),
         tokens=(9, 3, 4)),
    Case("usage null", chunk({"content": "Four."}, usage=None) + STOP + DONE, tokens=(0, 0, 0)),
    Case("finish_reason empty (Ollama)", said("Fo", "") + said("ur.", "") + chunk({}, "stop") + DONE),
    Case("finish_reason empty to the end", said("Four.", "") + DONE),
    Case("finish_reason unknown", said("Four.", "eos_token"), finish="stop"),
    Case("finish_reason of Gemini", said("Four.", "MAX_TOKENS"), finish="length"),
    Case("finish_reason of an enumeration", said("Four.", "FinishReason.STOP")),
    Case("finish_reason model_length (Mistral)", said("Four.", "model_length"), finish="length"),
    Case("filtered", said("Four.", "content_filter"), finish="content_filter"),
    Case("finish_reason error", said("Fo") + chunk({}, "error"), text="Fo", code="engine_unavailable"),
    Case("nothing of the two", said("Four."), code="engine_unavailable"),
    Case("cut", said("Four."), code="engine_unavailable", ending="cut"),
    Case("cut in a chunk", said("Four.") + STOP[:30], code="engine_unavailable"),
    Case("nothing at all", b"", text="", code="engine_rejected"),
    Case("comments alone", b": ping\n\n" * 3, text="", code="engine_rejected"),
)  # fmt: skip

CONTENTS = (
    Case("no index at first", data({"choices": [{"delta": {"role": "assistant"}}]}) + GOOD),
    Case("no index at last", said("Fo") + data({"choices": [{"delta": {"content": "ur."}, "finish_reason": "stop"}]})),
    Case("role alone first", chunk({"role": "assistant", "content": None}) + GOOD),
    Case("content null at the end", said("Four.") + said(None, "stop") + DONE),
    Case("no choices first (Azure)", data({"choices": [], "prompt_filter_results": [{"prompt_index": 0}]}) + GOOD),
    Case("no delta amid (Azure)",
         said("Fo") + data({"choices": [{"index": 0, "finish_reason": None, "content_filter_offsets": {}}]})
         + said("ur.") + STOP + DONE),
    Case("choices null", data({"choices": None}) + GOOD),
    Case("parts (Mistral)", said([{"type": "text", "text": "Fo"}]) + said([{"type": "text", "text": "ur."}], "stop")),
    Case("thinking parts (Mistral)",
         said([{"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}])
         + said([{"type": "thinking", "thinking": [], "closed": True}, {"type": "text", "text": "Four."}], "stop")),
    Case("parts nobody knows", said([{"type": "reference", "reference_ids": [1]}, "Four.", None, 7], "stop")),
    Case("refusal", chunk({"refusal": "Four."}) + STOP + DONE),
    Case("several choices", data({"choices": [{"index": 0, "delta": {"content": "Four."}},
                                              {"index": 1, "delta": {"content": "Five."}}]}) + STOP + DONE),
    Case("several choices in turn",
         said("Fo") + data({"choices": [{"index": 1, "delta": {"content": "Five."}, "finish_reason": "stop"}]})
         + said("ur.") + STOP + DONE),
    Case("no index", data({"choices": [{"delta": {"content": "Four."}}]})
         + data({"choices": [{"delta": {}, "finish_reason": "stop"}]})),
    Case("message for delta",
         data({"choices": [{"index": 0, "message": {"role": "assistant", "content": "Four."},
                            "finish_reason": "stop"}]})),
    Case("messages that grow",
         data({"choices": [{"index": 0, "message": {"content": "Fo"}}]})
         + data({"choices": [{"index": 0, "message": {"content": "Four."}, "finish_reason": "stop"}]})),
    Case("message beside delta",
         data({"choices": [{"index": 0, "delta": {"content": "Four."}, "message": {"content": "Four."}}]}) + STOP),
    Case("text for delta", data({"choices": [{"index": 0, "text": "Four.", "finish_reason": "stop"}]})),
    Case("halves of a character", said("Yes \ud83d") + said("\ude00!") + STOP, text="Yes 😀!"),
    Case("half of a character alone", said("Yes \ud83d") + said("!") + STOP, text="Yes !"),
    Case("characters that cannot be stored", said("Fo\0ur\udc00.") + STOP),
    Case("not streamed", json.dumps({"object": "chat.completion", "usage": USAGE, "choices": [
        {"index": 0, "message": {"role": "assistant", "content": "Four."}, "finish_reason": "stop"}]}).encode(),
         content_type="application/json", tokens=(9, 3, 4)),
    Case("not streamed, printed wide", b"\n" + json.dumps({"choices": [{"message": {"content": "Four."}}]},
                                                         indent=2).encode()),
    Case("a line for each",
         b'{"choices": [{"delta": {"content": "Fo"}}]}\n{"choices": [{"delta": {"content": "ur."}}]}\n',
         content_type="application/x-ndjson"),
)  # fmt: skip

THOUGHTS = (
    Case("reasoning_content", chunk({"reasoning_content": "Hm."}) + GOOD),
    Case("reasoning (Ollama)", chunk({"reasoning": "Hm.", "content": ""}) + GOOD),
    Case("thinking", chunk({"thinking": "Hm."}) + GOOD),
    Case("marked as thought (Gemini)",
         chunk({"content": "<thought>Hm.", "extra_content": {"google": {"thought": True}}}) + GOOD),
    Case("stop behind the thought", chunk({"reasoning": "Hm."}, "stop") + GOOD),
    Case("tags", said("<think>Be polite.</think>Four.") + STOP),
    Case("tags split", said("<th") + said("ink>Be ") + said("polite.</") + said("think>") + said("\n\nFour.") + STOP),
    Case("tags with lines", said("\n<think>\nHm.\n\n</think>\n\n") + said("Four.") + STOP, text="\nFour."),
    Case("empty tags (Qwen)", said("<think>\n\n</think>\n\nFour.") + STOP),
    Case("tags in capitals", said("<THINK>Hm.</THINK>Four.") + STOP),
    Case("thinking tags", said("<thinking>Hm.</thinking>Four.") + STOP),
    Case("nested tags", said("<think>a<think>b</think>c</think>Four.") + STOP),
    Case("tags in the midst", said("Sure. <think>Hm.</think>Four.") + STOP, text="Sure. Four."),
    Case("tags of Mistral", said("[THINK]Hm.[/THINK]Four.") + STOP),
    Case("tags of Kimi", said("◁think▷Hm.◁/think▷Four.") + STOP),
    Case("channel of Gemma", said("<|channel>thought\nHm.<channel|>Four.") + STOP),
    Case("channels of gpt-oss", said("<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>")
         + said("final<|message|>Four.<|return|>") + STOP),
    Case("a thought that is cut", said("<think>Hm.", "length"), text="", finish="length"),
    Case("a tag that is spoken of", said("Write <think> first.") + STOP, text="Write <think> first."),
    Case("tags in backticks", said("`<think>` and `</think>`.") + STOP, text="`<think>` and `</think>`."),
    Case("a closing tag alone (vLLM, llama.cpp)", said("Be polite.\n</think>\n\nFour.") + STOP),
    Case("a closing tag alone, later", said("Be ") + said("polite.\n</thi") + said("nk>\n\nFour.") + STOP),
    Case("a closing tag alone of Mistral", said("Be polite.[/THINK]Four.") + STOP),
    Case("a closing tag that is spoken of", said("Then `</think>`.") + STOP, text="Then `</think>`."),
    Case("less than", said("3 <") + said(" 5 [1] <b>x</b>.") + STOP, text="3 < 5 [1] <b>x</b>."),
    Case("a token left at the end", said("Four.<|im_end|>") + STOP),
    Case("other tokens left", said("Four.<｜end▁of▁sentence｜></s><end_of_turn><|eot_id|>") + STOP),
    Case("a turn of the user made up", said("Four.<|im_end|>\n<|im_start|>user\nAnd five?<|im_end|>") + STOP,
         text="Four.\n"),
    Case("a header of Llama", said("<|start_header_id|>assistant<|end_header_id|>\n\nFour.<|eot_id|>") + STOP),
    Case("a call in words", said('<tool_call>{"name": "clock"}</tool_call>') + STOP, text=""),
)  # fmt: skip

CALLS = (
    Case("a call in pieces", called(index=0, id="a", type="function", function={"name": "weather", "arguments": ""})
         + called(index=0, function={"arguments": '{"city": '}) + called(index=0, function={"arguments": '"Vienna"}'})
         + chunk(finish="tool_calls") + DONE, text="", calls=VIENNA),
    Case("a call without an index (Gemini)",
         chunk({"role": "assistant", "tool_calls": [{"function": {"name": "weather", "arguments": '{"city": "Vienna"}'},
                                                     "id": "a", "type": "function",
                                                     "extra_content": {"google": {"thought_signature": "x"}}}]})
         + STOP + DONE, text="", calls=VIENNA),
    Case("two calls without an index", called(id="a", function={"name": "weather", "arguments": '{"city": "Vienna"}'})
         + called(id="b", function={"name": "clock", "arguments": "{}"}) + STOP, text="", calls=VIENNA + CLOCK),
    Case("two calls of one index, without ids",
         called(index=0, function={"name": "weather", "arguments": '{"city": "Vienna"}'})
         + called(index=0, function={"name": "clock", "arguments": "{}"}) + STOP, text="", calls=VIENNA + CLOCK),
    Case("arguments as an object",
         called(index=0, id="a", function={"name": "weather", "arguments": {"city": "Vienna"}})
         + STOP, text="", calls=VIENNA),
    Case("arguments null", called(index=0, id="a", function={"name": "clock", "arguments": None}) + STOP,
         text="", calls=CLOCK),
    Case("a name with a token (vLLM)", called(index=0, id="a", function={"name": "clock<|channel|>commentary",
                                                                         "arguments": "{}"}) + STOP,
         text="", calls=CLOCK),
    Case("a call of 2023", chunk({"function_call": {"name": "weather", "arguments": '{"city": "Vienna"}'}})
         + chunk(finish="function_call"), text="", calls=VIENNA),
    Case("a call that is not streamed", json.dumps({"choices": [{"message": {"content": None, "tool_calls": [
        {"id": "a", "type": "function", "function": {"name": "clock", "arguments": "{}"}}]},
        "finish_reason": "tool_calls"}]}).encode(), text="", calls=CLOCK),
    Case("calls that are none", chunk({"tool_calls": {"id": 1}}) + chunk({"tool_calls": [None, 7, []]}) + GOOD),
)  # fmt: skip

ERRORS = (
    Case("error as data", data({"error": {"message": "Overloaded.", "type": "server_error", "code": None}}),
         text="", code="engine_unavailable"),
    Case("error amid", said("Fo") + data({"error": {"message": "Overloaded.", "type": "server_error"}}),
         text="Fo", code="engine_unavailable"),
    Case("error as an event", b"event: error\n" + data({"message": "It is unloaded.", "type": "server_error"}),
         text="", code="engine_unavailable"),
    Case("error in words (Ollama)", data({"error": "the runner has stopped"}), text="", code="engine_unavailable"),
    Case("error beside choices (OpenRouter)",
         data({"error": {"code": 502, "message": "Lost."}, "choices": [{"index": 0, "delta": {"content": ""},
                                                                         "finish_reason": "error"}]}),
         text="", code="engine_unavailable"),
    Case("error as a field (llama.cpp)",
         b'error: {"code":400,"message":"too long a prompt","type":"invalid_request_error"}\n\n' + DONE,
         text="", code="engine_rejected"),
    Case("error in a list (Gemini)",
         json.dumps([{"error": {"code": 400, "message": "No.", "status": "INVALID_ARGUMENT"}}]).encode(),
         text="", code="engine_rejected", content_type="application/json"),
    Case("error of Mistral",
         data({"object": "error", "message": "No such model.", "type": "invalid_model", "code": 1500}),
         text="", code="engine_unavailable"),
    Case("error for the key", data({"error": {"code": 401, "message": "No auth."}}),
         text="", code="invalid_provider_key"),
    Case("error for the rate", data({"error": {"code": 429, "message": "Slow down."}}),
         text="", code="rate_limit_exceeded"),
    Case("error for credit", data({"error": {"message": "Pay.", "type": "insufficient_quota"}}),
         text="", code="insufficient_quota"),
    Case("no JSON", b"data: {not json\n\n", text="", code="engine_rejected"),
    Case("a page", b"<html>It works!</html>", text="", code="engine_rejected", content_type="text/html"),
    Case("another API", b'{"hello": "world"}', text="", code="engine_rejected", content_type="application/json"),
    Case("chunks of all types", data(7) + data(None) + data([]) + data("x") + data({"choices": 7})
         + data({"choices": [7]}) + chunk([]) + chunk({"content": 7}) + GOOD),
    Case("nested too deeply", b"data: " + b"[" * 100_000 + b"\n\n", text="", code="engine_rejected"),
    Case("nested too deeply, not streamed", b"[" * 100_000, text="", code="engine_rejected"),
    Case("a line without an end", b"data: " + b"x" * 1_100_000, text="", code="engine_rejected"),
    Case("parts without an end", b"data: " + b"[]," * 60_000 + b"\n\n", text="", code="engine_rejected"),
)  # fmt: skip

CORPUS = (*STANDARD, *ENDINGS, *CONTENTS, *THOUGHTS, *CALLS, *ERRORS)
