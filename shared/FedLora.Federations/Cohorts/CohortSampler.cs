using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using FedLora.Federations.Definitions;
using FedLora.Federations.Rounds;

namespace FedLora.Federations.Cohorts;

/// <summary>Draws a cohort.</summary>
public static class CohortSampler
{
    /// <summary>
    /// A uniform sample without replacement, the same for the same seed, round, attempt and candidates. Algorithm F2 of Bentley and Floyd,
    /// "A sample of brilliance", CACM 30(9), 1987: for j from n - count to n - 1 the candidate at t, uniform in [0, j], or that at j where
    /// t is taken; t is the high part of (j + 1) SHA-256(seed/round/attempt/j). O(count), whatever the number of candidates.
    /// </summary>
    /// <param name="candidates">In ordinal order of their ids.</param>
    /// <param name="count">How many; all where there are fewer.</param>
    /// <param name="seed">The federation's.</param>
    /// <param name="round">From 1.</param>
    /// <param name="attempt">From 1.</param>
    /// <returns>In the candidates' order.</returns>
    public static IReadOnlyList<T> Draw<T>(IReadOnlyList<T> candidates, int count, ulong seed, int round, int attempt)
    {
        var taken = new SortedSet<int>();
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        for (var j = Math.Max(0, candidates.Count - count); j < candidates.Count; j++)
        {
            SHA256.HashData(Encoding.UTF8.GetBytes($"{seed}/{round}/{attempt}/{j}"), hash);
            // Of 2^64 values as many fall to each place but for one: a bias below 10^-10 with a billion candidates.
            var place = (int)((UInt128)BinaryPrimitives.ReadUInt64BigEndian(hash) * (uint)(j + 1) >> 64);
            if (!taken.Add(place))
                taken.Add(j);
        }

        return [.. taken.Select(place => candidates[place])];
    }

    /// <summary>How many updates are wanted, how many nodes are asked, and how many updates suffice at the deadline.</summary>
    /// <param name="rules">The federation's.</param>
    /// <param name="there">Nodes that could take part, those that have delivered already included.</param>
    public static (int Wanted, int Sampled, int Quorum) Sizes(CohortSpec rules, int there)
    {
        var wanted = rules.Size > 0 ? rules.Size : rules.Fraction > 0 ? (int)Math.Ceiling(rules.Fraction * there) : there;
        wanted = Math.Clamp(wanted, 1, Math.Max(1, there));
        var quorum = rules.Quorum > 0 ? rules.Quorum : rules.Size > 0 ? rules.Size : wanted;
        return (Math.Max(wanted, quorum), (int)Math.Min(there, Math.Ceiling(Math.Max(wanted, quorum) * rules.OverSelect)), quorum);
    }

    /// <summary>Eligible nodes with which a round is sampled at once: never fewer than the quorum, which could then not be had.</summary>
    public static int Needed(CohortSpec rules) => Math.Max(Least(rules), rules.MinNodes > 0 ? 0 : rules.Size);

    /// <summary>Eligible nodes with which a round is sampled once it has waited for <see cref="Needed"/>.</summary>
    public static int Least(CohortSpec rules) => Math.Max(1, Math.Max(rules.MinNodes, rules.Quorum > 0 ? rules.Quorum : rules.Size));

    /// <summary>
    /// From when on <see cref="Least"/> nodes are enough for the round that is being sampled: before it would give up in any case.
    /// </summary>
    public static DateTimeOffset EnoughFrom(CohortSpec rules, RoundProgress round) =>
        round.SamplingSince + (round.IsShort ? TimeSpan.Zero : rules.Wait < rules.SamplingTimeout ? rules.Wait : rules.SamplingTimeout);
}
