namespace FedLora.Tokenizers;

/// <summary>Which text gives way when a pair is too long.</summary>
public enum TruncationStrategy
{
    /// <summary>The longer one, until both are equally long.</summary>
    LongestFirst,

    /// <summary>Only the first.</summary>
    OnlyFirst,

    /// <summary>Only the second.</summary>
    OnlySecond,
}

/// <summary>At which end tokens are cut off or padding is put.</summary>
public enum Side
{
    /// <summary>At the end.</summary>
    Right,

    /// <summary>At the beginning.</summary>
    Left,
}

/// <summary>How what is too long is cut.</summary>
/// <param name="MaxLength">The most tokens that remain, those that the post-processor adds included.</param>
/// <param name="Strategy">Which text gives way.</param>
/// <param name="Direction">At which end.</param>
public sealed record Truncation(int MaxLength, TruncationStrategy Strategy = TruncationStrategy.LongestFirst, Side Direction = Side.Right)
{
    /// <summary>Cuts one text or two; returns how many tokens went.</summary>
    /// <exception cref="FedLoraException"><c>tokenizer-truncation</c>: the strategy cannot reach the length.</exception>
    internal int Apply(List<Token> first, List<Token>? second, int added)
    {
        var room = MaxLength - added;
        if (room < 0)
            throw Impossible($"at most {MaxLength} tokens were asked for, and {added} special tokens are added");
        var total = first.Count + (second?.Count ?? 0);
        if (total <= room)
            return 0;
        if (room == 0)
        {
            first.Clear();
            second?.Clear();
            return total;
        }
        if (Strategy == TruncationStrategy.LongestFirst)
        {
            var (n1, n2) = second is null ? (room, 0) : Share(first.Count, second.Count, room);
            Cut(first, n1);
            if (second is not null)
                Cut(second, n2);
        }
        else
        {
            var target = Strategy == TruncationStrategy.OnlyFirst ? first
                : second ?? throw Impossible("the second text is to be cut, and there is none");
            if (target.Count <= total - room)
                throw Impossible($"{total - room} tokens are too many, and the text to cut has {target.Count}");
            Cut(target, target.Count - (total - room));
        }
        return total - first.Count - (second?.Count ?? 0);
    }

    // The library's rule, not the classic "one at a time".
    private static (int, int) Share(int n1, int n2, int room)
    {
        var swap = n1 > n2;
        var small = Math.Min(n1, n2);
        var large = small > room ? small : Math.Max(small, room - small);
        if (small + large > room)
        {
            small = room / 2;
            large = small + room % 2;
        }
        return swap ? (large, small) : (small, large);
    }

    private void Cut(List<Token> tokens, int length)
    {
        if (tokens.Count > length)
            tokens.RemoveRange(Direction == Side.Right ? length : 0, tokens.Count - length);
    }

    private static FedLoraException Impossible(string why) =>
        new("tokenizer-truncation", $"A text cannot be truncated: {why}.",
            "Raise the maximum length, or choose another truncation strategy.");
}

/// <summary>How encodings are filled up to one length.</summary>
/// <param name="Length">The length, or null for the longest of the batch.</param>
/// <param name="Direction">At which end.</param>
/// <param name="MultipleOf">Round the length up to a multiple of this, or null.</param>
/// <param name="Id">The padding token's id.</param>
/// <param name="TypeId">Its type id.</param>
/// <param name="Token">Its text.</param>
public sealed record Padding(int? Length = null, Side Direction = Side.Right, int? MultipleOf = null, int Id = 0, int TypeId = 0,
    string Token = "[PAD]")
{
    /// <summary>The length to fill up to, for a longest encoding.</summary>
    internal int Target(int longest)
    {
        var length = Length ?? longest;
        return MultipleOf is { } multiple and > 0 ? (length + multiple - 1) / multiple * multiple : length;
    }
}
