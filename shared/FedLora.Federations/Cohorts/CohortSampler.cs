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
    /// A uniform sample without replacement, the same for the same seed, round, attempt and candidates in whatever order: the candidates
    /// with the smallest SHA-256(seed/round/attempt/id). Returned in ordinal order. O(n log count).
    /// </summary>
    public static IReadOnlyList<string> Draw(IEnumerable<string> candidates, int count, ulong seed, int round, int attempt)
    {
        // The largest of those taken comes first.
        var taken = new PriorityQueue<string, Ticket>(Comparer<Ticket>.Create((one, other) => Ticket.Compare(other, one)));
        var prefix = $"{seed}/{round}/{attempt}/";
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        byte[] text = Encoding.UTF8.GetBytes(prefix);
        var start = text.Length;
        foreach (var id in candidates)
        {
            var length = start + Encoding.UTF8.GetByteCount(id);
            if (text.Length < length)
                Array.Resize(ref text, 2 * length);
            Encoding.UTF8.GetBytes(id, text.AsSpan(start));
            SHA256.HashData(text.AsSpan(0, length), hash);
            var ticket = Ticket.Of(hash);
            if (taken.Count < count)
                taken.Enqueue(id, ticket);
            else if (count > 0)
                taken.EnqueueDequeue(id, ticket);
        }

        return [.. taken.UnorderedItems.Select(item => item.Element).Order(StringComparer.Ordinal)];
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

    /// <summary>A hash as a number.</summary>
    private readonly record struct Ticket(UInt128 High, UInt128 Low)
    {
        public static Ticket Of(ReadOnlySpan<byte> hash) =>
            new(BinaryPrimitives.ReadUInt128BigEndian(hash), BinaryPrimitives.ReadUInt128BigEndian(hash[16..]));

        public static int Compare(Ticket one, Ticket other) =>
            one.High == other.High ? one.Low.CompareTo(other.Low) : one.High.CompareTo(other.High);
    }
}
