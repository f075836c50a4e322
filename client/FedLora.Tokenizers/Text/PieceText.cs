namespace FedLora.Tokenizers.Text;

/// <summary>A stretch of a text: to be split further, or already an added token (<paramref name="Token"/> >= 0).</summary>
internal readonly record struct Piece(int Start, int Length, int Token = -1);

/// <summary>What becomes of the stretches that a splitting pattern matches; for "-" in "the-final--countdown" see each.</summary>
internal enum SplitBehavior
{
    /// <summary>the final countdown</summary>
    Removed,

    /// <summary>the - final - - countdown</summary>
    Isolated,

    /// <summary>the- final- - countdown</summary>
    MergedWithPrevious,

    /// <summary>the -final - -countdown</summary>
    MergedWithNext,

    /// <summary>the - final -- countdown</summary>
    Contiguous,
}

/// <summary>A normalised text cut into pieces, in order.</summary>
internal sealed class PieceText
{
    private List<Piece> _next = [];
    private readonly List<(int Start, int End, bool Match)> _parts = [];
    private readonly List<(int Start, int End)> _matches = [];

    public AlignedText Text { get; } = new();

    public List<Piece> Pieces { get; private set; } = [];

    public void Clear()
    {
        Text.Clear();
        Pieces.Clear();
    }

    public ReadOnlySpan<int> Runes(Piece piece) => Text.Runes.Slice(piece.Start, piece.Length);

    /// <summary>Adds a piece to the next list; empty ones are left out.</summary>
    public void Add(Piece piece)
    {
        if (piece.Length > 0)
            _next.Add(piece);
    }

    /// <summary>The pieces added since take the place of the old ones.</summary>
    public void CommitPieces()
    {
        (Pieces, _next) = (_next, Pieces);
        _next.Clear();
    }

    /// <summary>Splits every piece at single code points.</summary>
    public void Split(RuneSet set, SplitBehavior behavior)
    {
        foreach (var piece in Pieces)
        {
            if (piece.Token >= 0)
            {
                Add(piece);
                continue;
            }
            var runes = Runes(piece);
            var last = 0;
            for (var i = 0; i < runes.Length; i++)
            {
                if (!set.Contains(runes[i]))
                    continue;
                Part(last, i, false);
                Part(i, i + 1, true);
                last = i + 1;
            }
            Part(last, runes.Length, false);
            Place(piece, behavior);
        }
        CommitPieces();
    }

    /// <summary>Splits every piece at the matches of a pattern, or (<paramref name="invert"/>) at what lies between them.</summary>
    public void Split(RunePattern pattern, SplitBehavior behavior, bool invert)
    {
        foreach (var piece in Pieces)
        {
            if (piece.Token >= 0)
            {
                Add(piece);
                continue;
            }
            _matches.Clear();
            pattern.FindAll(Runes(piece), _matches);
            var last = 0;
            foreach (var (start, end) in _matches)
            {
                Part(last, start, invert);
                _parts.Add((start, end, !invert));
                last = end;
            }
            Part(last, piece.Length, invert);
            Place(piece, behavior);
        }
        CommitPieces();
    }

    private void Part(int start, int end, bool match)
    {
        if (end > start)
            _parts.Add((start, end, match));
    }

    private void Place(Piece piece, SplitBehavior behavior)
    {
        if (behavior == SplitBehavior.MergedWithNext)
            MergeWithNext();
        else if (behavior is SplitBehavior.MergedWithPrevious or SplitBehavior.Contiguous)
            MergeWithPrevious(behavior == SplitBehavior.Contiguous);
        foreach (var (start, end, match) in _parts)
        {
            if (!match || behavior != SplitBehavior.Removed)
                Add(new Piece(piece.Start + start, end - start));
        }
        _parts.Clear();
    }

    // A match joins the part before it unless that is a match too; contiguous: equal neighbours join.
    private void MergeWithPrevious(bool contiguous)
    {
        var write = 0;
        var previous = false;
        for (var i = 0; i < _parts.Count; i++)
        {
            var part = _parts[i];
            var joins = contiguous ? part.Match == previous : part.Match && !previous;
            previous = part.Match;
            if (joins && write > 0)
                _parts[write - 1] = _parts[write - 1] with { End = part.End };
            else
                _parts[write++] = part;
        }
        _parts.RemoveRange(write, _parts.Count - write);
    }

    private void MergeWithNext()
    {
        var write = _parts.Count;
        var previous = false;
        for (var i = _parts.Count - 1; i >= 0; i--)
        {
            var part = _parts[i];
            var joins = part.Match && !previous;
            previous = part.Match;
            if (joins && write < _parts.Count)
                _parts[write] = _parts[write] with { Start = part.Start };
            else
                _parts[--write] = part;
        }
        _parts.RemoveRange(0, write);
    }
}
