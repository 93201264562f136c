"""Trains the advisory network of this example and writes advisory.onnx beside this file.

Two aircraft are on a collision course. A dynamic program over a simulated encounter (all data is made
here) tells the expected cost of each advisory; a small ReLU network learns to rank the advisories alike,
because 675 numbers fit where the table's millions of entries do not.

The model of the encounter follows Kochenderfer et al., "Next-generation airborne collision avoidance
system" (2012), cut down to the vertical plane and to three advisories. It is an example, not avionics.

Units are those of a cockpit traffic display: hundreds of feet, hundreds of feet per minute, seconds.
Usage: python3 train.py        (about twenty seconds; the same machine and libraries give the same bytes)
"""
from pathlib import Path

import numpy as np
import torch

ADVISORIES = ["clear", "descend", "climb"]
INPUTS = ["relative_altitude", "own_rate", "intruder_rate", "time_to_closest"]
LOW = np.array([-20.0, -20.0, -20.0, 0.0])
HIGH = np.array([20.0, 20.0, 20.0, 40.0])

# Altitude is known finely near the intruder, where decisions are close.
ALTITUDES = np.sign(np.linspace(-1, 1, 81)) * 20 * np.abs(np.linspace(-1, 1, 81)) ** 1.5
RATES = np.linspace(-20, 20, 21)
SECONDS = 40

COLLISION = 1.0   # within 100 ft of altitude when the paths cross is a collision, which costs 1 ...
SEPARATED = 5.0   # ... falling to 0 at 500 ft
ALERT_COST = 0.01          # each second of an advisory other than `clear` disturbs the crew
SHARPNESS = 800.0         # scores are learnt as -SHARPNESS * cost, up to a common shift
MANOEUVRE_RATE = 15.0      # an advisory asks for 1500 ft/min or more ...
MANOEUVRE_ACCELERATION = 4.8  # ... reached with a quarter of the earth's gravity
NOISE = [(-2.0, 0.25), (0.0, 0.5), (2.0, 0.25)]  # change of an unguided rate within a second, and its probability


def interpolation(points, grid):
    """Rows that write each point (clamped to the grid) as a weighted mean of its two neighbours: (..., len(grid))."""
    points = np.clip(points, grid[0], grid[-1])
    left = np.clip(np.searchsorted(grid, points, side="right") - 1, 0, len(grid) - 2)
    share = (points - grid[left]) / (grid[left + 1] - grid[left])
    rows = np.zeros(points.shape + (len(grid),))
    np.put_along_axis(rows, left[..., None], (1 - share)[..., None], -1)
    np.put_along_axis(rows, left[..., None] + 1, share[..., None], -1)
    return rows


def next_rates(advisory):
    """Transition matrix of a vertical rate that follows the advisory."""
    if advisory == "climb":
        steered = np.where(RATES < MANOEUVRE_RATE, np.minimum(RATES + MANOEUVRE_ACCELERATION, MANOEUVRE_RATE), RATES)
    elif advisory == "descend":
        steered = np.where(RATES > -MANOEUVRE_RATE, np.maximum(RATES - MANOEUVRE_ACCELERATION, -MANOEUVRE_RATE), RATES)
    else:
        steered = RATES
    return sum(p * interpolation(steered + change, RATES) for change, p in NOISE)


def solve():
    """Backward induction; returns the cost of each advisory, indexed [second, altitude, own, intruder, advisory]."""
    drift = (RATES[None, :] - RATES[:, None]) / 60.0  # [own, intruder], hundreds of feet per second
    next_altitude = interpolation(ALTITUDES[:, None, None] + drift, ALTITUDES)  # [altitude, own, intruder, altitude']
    intruder = next_rates("clear")
    value = np.broadcast_to(np.clip((SEPARATED - np.abs(ALTITUDES)) / (SEPARATED - COLLISION), 0, 1)[:, None, None],
                            (len(ALTITUDES), len(RATES), len(RATES)))
    table = []
    for _ in range(SECONDS):
        ahead = np.einsum("jq,hpq->hpj", intruder, value, optimize=True)
        costs = [np.einsum("hijk,kij->hij", next_altitude, np.einsum("ip,hpj->hij", next_rates(a), ahead, optimize=True))
                 + ALERT_COST * (a != "clear") for a in ADVISORIES]
        table.append(np.stack(costs, axis=-1))
        value = table[-1].min(axis=-1)
    return np.array([table[0]] + table)  # second 0 decides like second 1


def lookup(table, points):
    """Costs at arbitrary encounters (n, 4), by linear interpolation in the table: (n, 3)."""
    axes = [ALTITUDES, RATES, RATES, np.arange(SECONDS + 1.0)]
    corners, shares = [], []
    for axis, grid in enumerate(axes):
        x = np.clip(points[:, axis], grid[0], grid[-1])
        left = np.clip(np.searchsorted(grid, x, side="right") - 1, 0, len(grid) - 2)
        share = (x - grid[left]) / (grid[left + 1] - grid[left])
        corners.append((left, left + 1))
        shares.append((1 - share, share))
    total = np.zeros((len(points), len(ADVISORIES)))
    for bits in np.ndindex(2, 2, 2, 2):
        weight = np.prod([shares[a][b] for a, b in enumerate(bits)], axis=0)
        h, o, i, t = (corners[a][b] for a, b in enumerate(bits))
        total += weight[:, None] * table[t, h, o, i]
    return total


def sample(random, count):
    """Encounters spread over the whole range, denser at low relative altitude, where decisions are close."""
    points = random.uniform(LOW, HIGH, size=(count, 4))
    points[: count // 2, 0] = np.clip(random.normal(0, 4, size=count // 2), LOW[0], HIGH[0])
    return points


def train(table, hidden=16, steps=12000, batch=2048, seed=7):
    """A network 4-hidden-hidden-hidden-3 whose scores rank the advisories; takes inputs in display units."""
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    random = np.random.default_rng(seed)
    net = torch.nn.Sequential(torch.nn.Linear(4, hidden), torch.nn.ReLU(),
                              torch.nn.Linear(hidden, hidden), torch.nn.ReLU(),
                              torch.nn.Linear(hidden, hidden), torch.nn.ReLU(),
                              torch.nn.Linear(hidden, len(ADVISORIES)))
    middle = torch.tensor((LOW + HIGH) / 2, dtype=torch.float32)
    scale = torch.tensor((HIGH - LOW) / 2, dtype=torch.float32)
    points = sample(random, 400_000)
    x = (torch.tensor(points, dtype=torch.float32) - middle) / scale
    wanted = torch.softmax(torch.tensor(-SHARPNESS * lookup(table, points), dtype=torch.float32), dim=1)
    optimiser = torch.optim.Adam(net.parameters(), lr=3e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for step in range(steps):
        rows = torch.from_numpy(random.integers(0, len(x), batch))
        loss = torch.nn.functional.cross_entropy(net(x[rows]), wanted[rows])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        if (step + 1) % (steps // 6) == 0:
            print(f"  step {step + 1:6d}  loss {loss.item():.4f}", flush=True)
    with torch.no_grad():  # the first layer takes over the scaling, so that properties speak in feet and seconds
        net[0].weight /= scale
        net[0].bias -= net[0].weight @ middle
    return net


def report(net, table):
    """Prints how often network and table agree on fresh encounters, and what a disagreement costs."""
    points = np.random.default_rng(1).uniform(LOW, HIGH, size=(200_000, 4))
    costs = lookup(table, points)
    with torch.no_grad():
        choice = net(torch.tensor(points, dtype=torch.float32)).argmax(dim=1).numpy()
    regret = np.take_along_axis(costs, choice[:, None], 1)[:, 0] - costs.min(axis=1)
    print(f"agreement with the table {np.mean(choice == costs.argmin(axis=1)):.3%}; "
          f"mean extra cost {regret.mean():.5f}, where a collision costs 1")
    for k, name in enumerate(ADVISORIES):
        print(f"  {name:8s} table {np.mean(costs.argmin(axis=1) == k):6.1%}  network {np.mean(choice == k):6.1%}")


def main():
    print("solving the encounter by dynamic programming", flush=True)
    table = solve()
    print("training", flush=True)
    net = train(table)
    report(net, table)
    target = Path(__file__).with_name("advisory.onnx")
    torch.onnx.export(net, torch.zeros(1, 4), target, input_names=["encounter"], output_names=["scores"], opset_version=13)
    print(f"wrote {target.name}, {target.stat().st_size} bytes")


if __name__ == "__main__":
    main()
