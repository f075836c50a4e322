using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace FedLora.Federations.Files;

/// <summary>
/// Refuses YAML that is nested deeper than any file here: the library that reads it takes time with the square of the depth, and ends the
/// program by a full stack where it is some ten thousand.
/// </summary>
/// <param name="parser">Reads the text.</param>
internal sealed class ShallowParser(IParser parser) : IParser
{
    private const int Deepest = 32;

    private int _depth;

    public ParsingEvent? Current => parser.Current;

    /// <exception cref="YamlException">It is nested too deeply, or is no YAML.</exception>
    public bool MoveNext()
    {
        var moved = parser.MoveNext();
        _depth += moved ? parser.Current!.NestingIncrease : 0;
        return _depth <= Deepest ? moved
            : throw new YamlException(parser.Current!.Start, parser.Current.End, $"nested more than {Deepest} deep");
    }
}
