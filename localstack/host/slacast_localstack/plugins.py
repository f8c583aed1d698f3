"""The entry points. Each loads what it stands for when LocalStack asks for it, so that the others stay cheap."""

from localstack.runtime.hooks import hook
from localstack.runtime.server.core import RuntimeServerPlugin
from localstack.services.lambda_ import hooks
from localstack.services.lambda_.invocation.plugins import RuntimeExecutorPlugin


class ProcessExecutorPlugin(RuntimeExecutorPlugin):
    """`LAMBDA_RUNTIME_EXECUTOR=process`."""

    name = "process"

    def load(self, *args, **kwargs):
        from .executor import ProcessExecutor

        return ProcessExecutor


class LoopbackServerPlugin(RuntimeServerPlugin):
    """`GATEWAY_SERVER=loopback`."""

    name = "loopback"

    def load(self, *args, **kwargs):
        from .loopback import server

        return server()


@hook(hooks.HOOKS_LAMBDA_CREATE_EVENT_SOURCE_POLLER)
def create_kafka_poller(holder, source_service, esm_config):
    if esm_config.get("SelfManagedEventSource"):
        from .kafka import KafkaPoller

        holder.create_poller_fn = lambda arn, client, processor: KafkaPoller(esm_config, processor)


@hook(hooks.HOOKS_LAMBDA_SET_EVENT_SOURCE_CONFIG_DEFAULTS)
def set_kafka_defaults(defaults, request, service):
    if request.get("SelfManagedEventSource"):
        defaults.update(BatchSize=100, MaximumBatchingWindowInSeconds=0, StartingPosition="TRIM_HORIZON")
