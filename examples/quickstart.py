"""Three sessions in, four KPI groups out. The same story is told in C and C++ beside this file.

Usage: python quickstart.py [STORE]   (default memory:; for example sqlite:///quickstart.db)
"""

import json
import sys

import nerava_analytics


def main() -> None:
    url = sys.argv[1] if len(sys.argv) > 1 else "memory:"
    with nerava_analytics.open(url) as pipeline:
        # A driver charges in the green hour, and is rewarded.
        pipeline.charge_started("s1", user_id="u1", hub_id="hub_1", window_id="green_hour")
        pipeline.charge_stopped("s1", user_id="u1", kwh_consumed=12.5, total_reward_usd="3.25")
        pipeline.wallet_credited(
            "u1", session_id="s1", amount_cents=nerava_analytics.usd_to_cents("3.25")
        )

        # Another one in no window, not credited yet.
        pipeline.charge_started("s2", user_id="u2", hub_id="hub_1")
        pipeline.charge_stopped("s2", user_id="u2", kwh_consumed=4, total_reward_usd="1.00")

        # A third one is still plugged in. Any event may also be given as a mapping.
        pipeline.publish(
            {
                "event_type": "charge_started",
                "session_id": "s3",
                "user_id": "u3",
                "hub_id": "hub_1",
            }
        )

        pipeline.flush()
        kpis = pipeline.kpis
        for group in (
            kpis.conversion_funnel(days=7),
            kpis.green_hour_utilization(days=7),
            kpis.streak_metrics(days=7),
            kpis.revenue_metrics(days=7),
        ):
            print(json.dumps(group, separators=(",", ":")))


if __name__ == "__main__":
    main()
