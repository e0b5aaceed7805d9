"""What a minute of delay costs: a resource, because the figure is not ours and differs by who asks."""

from assetflow import Resource


class DelayCosts(Resource):
    """The price of delay. Set it under ``[tool.assetflow.resources.costs]``; tests hand in a fake."""

    dollars_per_minute: float = 100.0

    def of(self, minutes: float) -> float:
        """What so many minutes of delay cost, in dollars."""
        return minutes * self.dollars_per_minute
