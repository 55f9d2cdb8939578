"""A limit on the connections of a proxy, in virtual time."""

from scrapepool.model import ErrorKind, Failed, ProxyFault, Retryable
from scrapepool.schedule.lease import ConnectionUse
from tests.schedule.test_scheduler import WALL, A, B, C, attempt_of, everything, scheduler_of, settle


def refuse(scheduler, lease, now):
    """Settle a lease whose connection to the proxy was refused while others were out."""
    failure = Failed(
        target=attempt_of(lease).target, error=ErrorKind.PROXY, retry=Retryable(), unsent=True, proxy=ProxyFault.DOWN
    )
    return scheduler.settle(lease, [failure], now, wall=WALL, use=ConnectionUse(requests=0))


def test_a_limit_of_the_proxy_is_raised_while_known_hosts_are_answered():
    """Ten seconds later one request more is let out, where no host is new and none fails."""
    scheduler = scheduler_of({A: 1000, B: 1000, C: 1000}, per_host=1, workers=3)
    now = 0.0
    for _ in range(3):
        for lease in everything(scheduler, now):
            settle(scheduler, lease, now + 0.1, status=200)
        now += 1
    leases = everything(scheduler, now)
    refuse(scheduler, leases[0], now + 0.1)
    for lease in leases[1:]:
        settle(scheduler, lease, now + 0.2, status=200)
    out = []
    for second in range(1, 30):
        leases = everything(scheduler, now + second)
        out.append(len(leases))
        for lease in leases:
            settle(scheduler, lease, now + second + 0.1, status=200)
    assert out[0] == out[5] == 2
    assert out[-1] == 3
