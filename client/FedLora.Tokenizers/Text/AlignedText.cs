using System.Text;

namespace FedLora.Tokenizers.Text;

/// <summary>
/// A text being normalised: code points, and for each the span [from, to) of code points of the original text that it stands for.
/// A change is written as a new version (<see cref="Emit"/> ...) that takes its place at <see cref="Commit"/>; no memory is
/// allocated once the buffers have grown.
/// </summary>
internal sealed class AlignedText
{
    private Version _current = new(64);
    private Version _next = new(64);

    public int Count => _current.Count;

    public ReadOnlySpan<int> Runes => _current.Runes.AsSpan(0, _current.Count);

    public int this[int index] => _current.Runes[index];

    /// <summary>Code points of the next version so far.</summary>
    public int Emitted => _next.Count;

    public int From(int index) => _current.From[index];

    public int To(int index) => _current.To[index];

    /// <summary>Takes a string's code points; a lone surrogate becomes U+FFFD.</summary>
    public void Set(ReadOnlySpan<char> text)
    {
        _current.Count = 0;
        _current.Reserve(text.Length);
        foreach (var rune in text.EnumerateRunes())
            _current.Add(rune.Value, _current.Count, _current.Count + 1);
    }

    /// <summary>Takes a part of another text, alignments included.</summary>
    public void Set(AlignedText source, int start, int length)
    {
        _current.Count = 0;
        _current.Append(source._current, start, length);
    }

    /// <summary>Adds all of another text.</summary>
    public void Append(AlignedText source) => _current.Append(source._current, 0, source.Count);

    public void Clear() => _current.Count = 0;

    /// <summary>
    /// Adds a code point to the next version, aligned as <paramref name="source"/> of this version is; before the first: with nothing.
    /// </summary>
    public void Emit(int rune, int source)
    {
        if (source < 0)
            _next.Add(rune, 0, 0);
        else
            _next.Add(rune, _current.From[source], _current.To[source]);
    }

    /// <summary>Adds a stretch of this version to the next one unchanged.</summary>
    public void EmitRange(int start, int length) => _next.Append(_current, start, length);

    /// <summary>Leaves what is not in a set unchanged, and puts in the place of each other code point what the rule emits.</summary>
    public void Rewrite(RuneSet changed, Action<AlignedText, int> rule)
    {
        var done = 0;
        for (var i = 0; i < Count; i++)
        {
            if (!changed.Contains(_current.Runes[i]))
                continue;
            EmitRange(done, i - done);
            rule(this, i);
            done = i + 1;
        }
        if (done == 0)
            return;
        EmitRange(done, Count - done);
        Commit();
    }

    /// <summary>The next version becomes this one.</summary>
    public void Commit()
    {
        (_current, _next) = (_next, _current);
        _next.Count = 0;
    }

    public override string ToString()
    {
        var builder = new StringBuilder(Count);
        foreach (var rune in Runes)
            builder.Append(new Rune(rune).ToString());
        return builder.ToString();
    }

    private sealed class Version(int capacity)
    {
        public int[] Runes = new int[capacity];
        public int[] From = new int[capacity];
        public int[] To = new int[capacity];
        public int Count;

        public void Add(int rune, int from, int to)
        {
            if (Count == Runes.Length)
                Reserve(1);
            Runes[Count] = rune;
            From[Count] = from;
            To[Count++] = to;
        }

        public void Append(Version source, int start, int length)
        {
            Reserve(length);
            source.Runes.AsSpan(start, length).CopyTo(Runes.AsSpan(Count));
            source.From.AsSpan(start, length).CopyTo(From.AsSpan(Count));
            source.To.AsSpan(start, length).CopyTo(To.AsSpan(Count));
            Count += length;
        }

        public void Reserve(int more)
        {
            if (Count + more <= Runes.Length)
                return;
            var size = Math.Max(Count + more, Runes.Length * 2);
            Array.Resize(ref Runes, size);
            Array.Resize(ref From, size);
            Array.Resize(ref To, size);
        }
    }
}
