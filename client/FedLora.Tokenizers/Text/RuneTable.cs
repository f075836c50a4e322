namespace FedLora.Tokenizers.Text;

/// <summary>
/// A value for every code point, given by a function and kept page by page. The function must give the same at every call.
/// </summary>
internal sealed class RuneTable<T>(Func<int, T> function)
{
    private const int PageBits = 8;
    private readonly T[]?[] _low = new T[0x10000 >> PageBits][];
    private T[]?[]? _high;

    public T this[int rune]
    {
        get
        {
            var index = rune >> PageBits;
            // Two threads may fill the same page at once; both write the same values.
            var pages = index < _low.Length ? _low : _high ??= new T[0x110000 >> PageBits][];
            var page = pages[index] ??= Fill(index);
            return page[rune & ((1 << PageBits) - 1)];
        }
    }

    private T[] Fill(int index)
    {
        var page = new T[1 << PageBits];
        for (var i = 0; i < page.Length; i++)
            page[i] = function(index << PageBits | i);
        return page;
    }
}
