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
    """A streamed answer, and what a reader must make of it.

    With `code` "" the answer is complete; then `finish`, and whatever else is not None, is compared too.
    """

    name: str
    body: bytes
    text: str = "Four."
    code: str = ""
    finish: str = "stop"
    calls: tuple[tuple[str, Any], ...] = ()  # names and arguments
    tokens: tuple[int, int, int] | None = None  # in, out, cached
    content_type: str = "text/event-stream"
    ending: Ending = "end"

    def build_raw(self, size: int = 0) -> Raw:
        """Return the answer cut into pieces of `size` bytes, or in one piece if `size` is 0."""
        step = size or max(1, len(self.body))
        pieces = tuple(self.body[start : start + step] for start in range(0, len(self.body), step))
        return Raw(pieces, self.content_type, self.ending)


def pack(value: object) -> bytes:
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def pack_chunk(delta: object = None, finish: object = None, **fields: Any) -> bytes:
    choice = {"index": 0, "delta": delta if delta is not None else {}, "finish_reason": finish}
    return pack({"id": "chatcmpl-1", "object": "chat.completion.chunk", "choices": [choice], **fields})


def say(text: object, finish: object = None) -> bytes:
    return pack_chunk({"content": text}, finish)


def call_tool(**call: Any) -> bytes:
    return pack_chunk({"tool_calls": [call]})


STOP = pack_chunk(finish="stop")
GOOD = say("Four.") + STOP + DONE
USAGE = {"prompt_tokens": 9, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 4}}
CLOCK: tuple[tuple[str, Any], ...] = (("clock", {}),)
VIENNA: tuple[tuple[str, Any], ...] = (("weather", {"city": "Vienna"}),)


def end_lines(body: bytes, end: bytes) -> bytes:
    return body.replace(b"\n", end)


STANDARD = (
    Case("plain", GOOD),
    Case("byte order mark", b"\xef\xbb\xbf" + GOOD),
    Case("CRLF", end_lines(GOOD, b"\r\n")),
    Case("CR alone", end_lines(GOOD, b"\r")),
    Case("comments", b": ping\n\n: OPENROUTER PROCESSING\n\n:\n" + GOOD + b": bye\n\n"),
    Case("retry before", b"retry: 3000\n\n" + GOOD),
    Case("retry between", say("Fo") + b"retry: 3000\n\n" + say("ur.") + STOP + DONE),
    Case("bare data before", b"data:\n\n" + GOOD),
    Case("bare data between", say("Fo") + b"data: \n\ndata\n\n" + say("ur.") + STOP + DONE),
    Case("id and event", b"id: 1\nevent: message\n" + say("Fo") + b"id\nevent\n" + say("ur.") + STOP + DONE),
    Case("event ping", b"event: ping\n\nevent: ping\ndata:\n\n" + GOOD),
    Case("fields nobody knows", b"foo: bar\nfoo\n" + GOOD),
    Case("no space after the colon", GOOD.replace(b"data: ", b"data:")),
    Case(
        "data on several lines", b'data: {"choices": [{"index": 0,\ndata: "delta": {"content": "Four."}}]}\n\n' + STOP
    ),
    Case("no blank line at the end", say("Four.") + STOP + b"data: [DONE]"),
    Case("no line end at the end", say("Four.") + STOP.rstrip()),
    Case("no blank lines between", (say("Fo") + say("ur.") + STOP + DONE).replace(b"\n\n", b"\n")),
    Case("blank lines in plenty", b"\n\n\n" + say("Four.") + b"\n\n" + STOP + DONE),
    Case("UTF-8 as it is", say("").replace(b'""', '"Grüße, 世界 🎉"'.encode()) + STOP, text="Grüße, 世界 🎉"),
    Case("no UTF-8", say("Four").replace(b"Four", b"Fo\xff\xfeur") + STOP, text="Fo\ufffd\ufffdur"),
)

ENDINGS = (
    Case("DONE alone", say("Four.") + DONE),
    Case("DONE in spaces", say("Four.") + b"data:   [DONE]  \n\n"),
    Case("DONE, then open", say("Four.") + DONE, ending="open"),
    Case("DONE, then cut", GOOD, ending="cut"),
    Case("stop, then open", say("Four.") + STOP, ending="open"),
    Case("stop, then cut", say("Four.") + STOP, ending="cut"),
    Case("stop, then more words", say("Fo", "stop") + say("ur.", "stop") + DONE),
    Case("stop, then garbage", say("Four.") + STOP + b"data: {not json\n\n"),
    Case("stop, then an error", say("Four.") + STOP + pack({"error": {"message": "late"}})),
    Case("usage behind", say("Four.") + STOP + pack({"choices": [], "usage": USAGE}) + DONE, tokens=(9, 3, 4)),
    Case("usage in each", pack_chunk({"content": "Four."}, usage=USAGE) + pack_chunk(finish="stop", usage=USAGE),
         tokens=(9, 3, 4)),
    Case("usage null", pack_chunk({"content": "Four."}, usage=None) + STOP + DONE, tokens=(0, 0, 0)),
    Case("finish_reason empty (Ollama)", say("Fo", "") + say("ur.", "") + pack_chunk({}, "stop") + DONE),
    Case("finish_reason empty to the end", say("Four.", "") + DONE),
    Case("finish_reason unknown", say("Four.", "eos_token"), finish="stop"),
    Case("finish_reason of Gemini", say("Four.", "MAX_TOKENS"), finish="length"),
    Case("finish_reason of an enumeration", say("Four.", "FinishReason.STOP")),
    Case("finish_reason model_length (Mistral)", say("Four.", "model_length"), finish="length"),
    Case("filtered", say("Four.", "content_filter"), finish="content_filter"),
    Case("finish_reason error", say("Fo") + pack_chunk({}, "error"), text="Fo", code="engine_unavailable"),
    Case("nothing of the two", say("Four."), code="engine_unavailable"),
    Case("cut", say("Four."), code="engine_unavailable", ending="cut"),
    Case("cut in a chunk", say("Four.") + STOP[:30], code="engine_unavailable"),
    Case("nothing at all", b"", text="", code="engine_rejected"),
    Case("comments alone", b": ping\n\n" * 3, text="", code="engine_rejected"),
)  # fmt: skip

CONTENTS = (
    Case("no index at first", pack({"choices": [{"delta": {"role": "assistant"}}]}) + GOOD),
    Case("no index at last", say("Fo") + pack({"choices": [{"delta": {"content": "ur."}, "finish_reason": "stop"}]})),
    Case("role alone first", pack_chunk({"role": "assistant", "content": None}) + GOOD),
    Case("content null at the end", say("Four.") + say(None, "stop") + DONE),
    Case("no choices first (Azure)", pack({"choices": [], "prompt_filter_results": [{"prompt_index": 0}]}) + GOOD),
    Case("no delta amid (Azure)",
         say("Fo") + pack({"choices": [{"index": 0, "finish_reason": None, "content_filter_offsets": {}}]})
         + say("ur.") + STOP + DONE),
    Case("choices null", pack({"choices": None}) + GOOD),
    Case("parts (Mistral)", say([{"type": "text", "text": "Fo"}]) + say([{"type": "text", "text": "ur."}], "stop")),
    Case("thinking parts (Mistral)",
         say([{"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}])
         + say([{"type": "thinking", "thinking": [], "closed": True}, {"type": "text", "text": "Four."}], "stop")),
    Case("parts nobody knows", say([{"type": "reference", "reference_ids": [1]}, "Four.", None, 7], "stop")),
    Case("refusal", pack_chunk({"refusal": "Four."}) + STOP + DONE),
    Case("several choices", pack({"choices": [{"index": 0, "delta": {"content": "Four."}},
                                              {"index": 1, "delta": {"content": "Five."}}]}) + STOP + DONE),
    Case("several choices in turn",
         say("Fo") + pack({"choices": [{"index": 1, "delta": {"content": "Five."}, "finish_reason": "stop"}]})
         + say("ur.") + STOP + DONE),
    Case("no index", pack({"choices": [{"delta": {"content": "Four."}}]})
         + pack({"choices": [{"delta": {}, "finish_reason": "stop"}]})),
    Case("message for delta",
         pack({"choices": [{"index": 0, "message": {"role": "assistant", "content": "Four."},
                            "finish_reason": "stop"}]})),
    Case("messages that grow",
         pack({"choices": [{"index": 0, "message": {"content": "Fo"}}]})
         + pack({"choices": [{"index": 0, "message": {"content": "Four."}, "finish_reason": "stop"}]})),
    Case("message beside delta",
         pack({"choices": [{"index": 0, "delta": {"content": "Four."}, "message": {"content": "Four."}}]}) + STOP),
    Case("text for delta", pack({"choices": [{"index": 0, "text": "Four.", "finish_reason": "stop"}]})),
    Case("halves of a character", say("Yes \ud83d") + say("\ude00!") + STOP, text="Yes 😀!"),
    Case("half of a character alone", say("Yes \ud83d") + say("!") + STOP, text="Yes !"),
    Case("characters that cannot be stored", say("Fo\0ur\udc00.") + STOP),
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
    Case("reasoning_content", pack_chunk({"reasoning_content": "Hm."}) + GOOD),
    Case("reasoning (Ollama)", pack_chunk({"reasoning": "Hm.", "content": ""}) + GOOD),
    Case("thinking", pack_chunk({"thinking": "Hm."}) + GOOD),
    Case("marked as thought (Gemini)",
         pack_chunk({"content": "<thought>Hm.", "extra_content": {"google": {"thought": True}}}) + GOOD),
    Case("stop behind the thought", pack_chunk({"reasoning": "Hm."}, "stop") + GOOD),
    Case("tags", say("<think>Be polite.</think>Four.") + STOP),
    Case("tags split", say("<th") + say("ink>Be ") + say("polite.</") + say("think>") + say("\n\nFour.") + STOP),
    Case("tags with lines", say("\n<think>\nHm.\n\n</think>\n\n") + say("Four.") + STOP, text="\nFour."),
    Case("empty tags (Qwen)", say("<think>\n\n</think>\n\nFour.") + STOP),
    Case("tags in capitals", say("<THINK>Hm.</THINK>Four.") + STOP),
    Case("thinking tags", say("<thinking>Hm.</thinking>Four.") + STOP),
    Case("nested tags", say("<think>a<think>b</think>c</think>Four.") + STOP),
    Case("tags in the midst", say("Sure. <think>Hm.</think>Four.") + STOP, text="Sure. Four."),
    Case("tags of Mistral", say("[THINK]Hm.[/THINK]Four.") + STOP),
    Case("tags of Kimi", say("◁think▷Hm.◁/think▷Four.") + STOP),
    Case("channel of Gemma", say("<|channel>thought\nHm.<channel|>Four.") + STOP),
    Case("channels of gpt-oss", say("<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>")
         + say("final<|message|>Four.<|return|>") + STOP),
    Case("a thought that is cut", say("<think>Hm.", "length"), text="", finish="length"),
    Case("a tag that is spoken of", say("Write <think> first.") + STOP, text="Write <think> first."),
    Case("tags in backticks", say("`<think>` and `</think>`.") + STOP, text="`<think>` and `</think>`."),
    Case("a closing tag alone (vLLM, llama.cpp)", say("Be polite.\n</think>\n\nFour.") + STOP),
    Case("a closing tag alone, later", say("Be ") + say("polite.\n</thi") + say("nk>\n\nFour.") + STOP),
    Case("a closing tag alone of Mistral", say("Be polite.[/THINK]Four.") + STOP),
    Case("a closing tag that is spoken of", say("Then `</think>`.") + STOP, text="Then `</think>`."),
    Case("less than", say("3 <") + say(" 5 [1] <b>x</b>.") + STOP, text="3 < 5 [1] <b>x</b>."),
    Case("a token left at the end", say("Four.<|im_end|>") + STOP),
    Case("other tokens left", say("Four.<｜end▁of▁sentence｜></s><end_of_turn><|eot_id|>") + STOP),
    Case("a turn of the user made up", say("Four.<|im_end|>\n<|im_start|>user\nAnd five?<|im_end|>") + STOP,
         text="Four.\n"),
    Case("a header of Llama", say("<|start_header_id|>assistant<|end_header_id|>\n\nFour.<|eot_id|>") + STOP),
    Case("a call in words", say('<tool_call>{"name": "clock"}</tool_call>') + STOP, text=""),
)  # fmt: skip

CALLS = (
    Case("a call in pieces", call_tool(index=0, id="a", type="function", function={"name": "weather", "arguments": ""})
         + call_tool(index=0, function={"arguments": '{"city": '})
         + call_tool(index=0, function={"arguments": '"Vienna"}'}) + pack_chunk(finish="tool_calls") + DONE,
         text="", calls=VIENNA),
    Case("a call without an index (Gemini)",
         pack_chunk({"role": "assistant", "tool_calls": [
             {"function": {"name": "weather", "arguments": '{"city": "Vienna"}'}, "id": "a", "type": "function",
              "extra_content": {"google": {"thought_signature": "x"}}}]})
         + STOP + DONE, text="", calls=VIENNA),
    Case("two calls without an index",
         call_tool(id="a", function={"name": "weather", "arguments": '{"city": "Vienna"}'})
         + call_tool(id="b", function={"name": "clock", "arguments": "{}"}) + STOP, text="", calls=VIENNA + CLOCK),
    Case("two calls of one index, without ids",
         call_tool(index=0, function={"name": "weather", "arguments": '{"city": "Vienna"}'})
         + call_tool(index=0, function={"name": "clock", "arguments": "{}"}) + STOP, text="", calls=VIENNA + CLOCK),
    Case("arguments as an object",
         call_tool(index=0, id="a", function={"name": "weather", "arguments": {"city": "Vienna"}})
         + STOP, text="", calls=VIENNA),
    Case("arguments null", call_tool(index=0, id="a", function={"name": "clock", "arguments": None}) + STOP,
         text="", calls=CLOCK),
    Case("a name with a token (vLLM)",
         call_tool(index=0, id="a", function={"name": "clock<|channel|>commentary", "arguments": "{}"})
         + STOP, text="", calls=CLOCK),
    Case("a call of 2023", pack_chunk({"function_call": {"name": "weather", "arguments": '{"city": "Vienna"}'}})
         + pack_chunk(finish="function_call"), text="", calls=VIENNA),
    Case("a call that is not streamed", json.dumps({"choices": [{"message": {"content": None, "tool_calls": [
        {"id": "a", "type": "function", "function": {"name": "clock", "arguments": "{}"}}]},
        "finish_reason": "tool_calls"}]}).encode(), text="", calls=CLOCK),
    Case("calls that are none",
         pack_chunk({"tool_calls": {"id": 1}}) + pack_chunk({"tool_calls": [None, 7, []]}) + GOOD),
)  # fmt: skip

ERRORS = (
    Case("error as data", pack({"error": {"message": "Overloaded.", "type": "server_error", "code": None}}),
         text="", code="engine_unavailable"),
    Case("error amid", say("Fo") + pack({"error": {"message": "Overloaded.", "type": "server_error"}}),
         text="Fo", code="engine_unavailable"),
    Case("error as an event", b"event: error\n" + pack({"message": "It is unloaded.", "type": "server_error"}),
         text="", code="engine_unavailable"),
    Case("error in words (Ollama)", pack({"error": "the runner has stopped"}), text="", code="engine_unavailable"),
    Case("error beside choices (OpenRouter)",
         pack({"error": {"code": 502, "message": "Lost."}, "choices": [{"index": 0, "delta": {"content": ""},
                                                                         "finish_reason": "error"}]}),
         text="", code="engine_unavailable"),
    Case("error as a field (llama.cpp)",
         b'error: {"code":400,"message":"too long a prompt","type":"invalid_request_error"}\n\n' + DONE,
         text="", code="engine_rejected"),
    Case("error in a list (Gemini)",
         json.dumps([{"error": {"code": 400, "message": "No.", "status": "INVALID_ARGUMENT"}}]).encode(),
         text="", code="engine_rejected", content_type="application/json"),
    Case("error of Mistral",
         pack({"object": "error", "message": "No such model.", "type": "invalid_model", "code": 1500}),
         text="", code="engine_unavailable"),
    Case("error for the key", pack({"error": {"code": 401, "message": "No auth."}}),
         text="", code="invalid_provider_key"),
    Case("error for the rate", pack({"error": {"code": 429, "message": "Slow down."}}),
         text="", code="rate_limit_exceeded"),
    Case("error for credit", pack({"error": {"message": "Pay.", "type": "insufficient_quota"}}),
         text="", code="insufficient_quota"),
    Case("no JSON", b"data: {not json\n\n", text="", code="engine_rejected"),
    Case("a page", b"<html>It works!</html>", text="", code="engine_rejected", content_type="text/html"),
    Case("another API", b'{"hello": "world"}', text="", code="engine_rejected", content_type="application/json"),
    Case("chunks of all types", pack(7) + pack(None) + pack([]) + pack("x") + pack({"choices": 7})
         + pack({"choices": [7]}) + pack_chunk([]) + pack_chunk({"content": 7}) + GOOD),
    Case("nested too deeply", b"data: " + b"[" * 100_000 + b"\n\n", text="", code="engine_rejected"),
    Case("nested too deeply, not streamed", b"[" * 100_000, text="", code="engine_rejected"),
    Case("a line without an end", b"data: " + b"x" * 1_100_000, text="", code="engine_rejected"),
    Case("parts without an end", b"data: " + b"[]," * 60_000 + b"\n\n", text="", code="engine_rejected"),
)  # fmt: skip

CORPUS = (*STANDARD, *ENDINGS, *CONTENTS, *THOUGHTS, *CALLS, *ERRORS)
