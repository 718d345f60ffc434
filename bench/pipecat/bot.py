"""Pipecat's quickstart pipeline over its FastAPI WebSocket transport, with all its defaults, as `pipecat init` has it.

    python bot.py PORT UPSTREAM_URL

One process serves all callers. `?caller=` names the key for the providers, by which these tell the callers apart. The
bot does not speak first, as the callers of the benchmark do.
"""

import sys

import uvicorn
from fastapi import FastAPI, WebSocket
from loguru import logger
from pipecat.audio.vad.silero import SileroVADAnalyzer
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import LLMContextAggregatorPair, LLMUserAggregatorParams
from pipecat.serializers.protobuf import ProtobufFrameSerializer
from pipecat.services.openai.llm import OpenAILLMService
from pipecat.services.openai.stt import OpenAISTTService
from pipecat.services.openai.tts import OpenAITTSService
from pipecat.transports.websocket.fastapi import FastAPIWebsocketParams, FastAPIWebsocketTransport
from pipecat.workers.runner import WorkerRunner

INSTRUCTIONS = "You are a friendly assistant in a voice call. Answer in one or two sentences."

app = FastAPI()


@app.websocket("/")
async def talk(websocket: WebSocket, caller: str) -> None:
    await websocket.accept()
    params = FastAPIWebsocketParams(
        audio_in_enabled=True, audio_out_enabled=True, add_wav_header=False, serializer=ProtobufFrameSerializer()
    )
    await run_bot(FastAPIWebsocketTransport(websocket, params), f"sk-{caller}")


async def run_bot(transport: FastAPIWebsocketTransport, key: str) -> None:
    stt = OpenAISTTService(api_key=key, base_url=upstream_url)
    llm = OpenAILLMService(
        api_key=key, base_url=upstream_url, settings=OpenAILLMService.Settings(system_instruction=INSTRUCTIONS)
    )
    tts = OpenAITTSService(api_key=key, base_url=upstream_url)
    aggregators = LLMContextAggregatorPair(
        LLMContext(), user_params=LLMUserAggregatorParams(vad_analyzer=SileroVADAnalyzer())
    )
    steps = [transport.input(), stt, aggregators.user(), llm, tts, transport.output(), aggregators.assistant()]
    params = PipelineParams(enable_metrics=True, enable_usage_metrics=True)
    worker = PipelineWorker(Pipeline(steps), params=params)
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)

    @transport.event_handler("on_client_disconnected")
    async def on_client_disconnected(_transport: object, _client: object) -> None:
        await runner.cancel()

    await runner.run()


if __name__ == "__main__":
    port, upstream_url = int(sys.argv[1]), sys.argv[2]
    logger.remove()
    logger.add(sys.stderr, level="WARNING")
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="info", access_log=False)
