using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace FedLora.Federations.Files;

/// <summary>
/// A mapping of a YAML file, read strictly: each key is asked for by name and type, and <see cref="End"/> refuses what nobody asked for.
/// Every error names file, line and key.
/// </summary>
public sealed class YamlMap
{
    private readonly string _file;
    private readonly string _path;
    private readonly YamlMappingNode _node;
    private readonly HashSet<string> _read = [];
    private readonly Dictionary<string, YamlMap> _children = new(StringComparer.Ordinal);

    private YamlMap(string file, string path, YamlMappingNode node)
    {
        this._file = file;
        this._path = path;
        this._node = node;
    }

    /// <summary>Reads a file whose top level is a mapping.</summary>
    /// <exception cref="FedLoraException"><c>yaml-missing</c>, <c>yaml-invalid</c>.</exception>
    public static YamlMap Load(string file)
    {
        if (!File.Exists(file))
            throw new FedLoraException("yaml-missing",
                Directory.Exists(file) ? $"'{file}' is a folder, not a YAML file" : $"there is no file '{file}'",
                "give the path of a YAML file");
        using var reader = new StreamReader(file);
        return Parse(file, reader);
    }

    /// <summary>Reads a text; <paramref name="file"/> is how errors call it.</summary>
    public static YamlMap Parse(string file, TextReader text)
    {
        var stream = new YamlStream();
        try
        {
            stream.Load(new ShallowParser(new Parser(text)));
        }
        catch (YamlException error)
        {
            throw Invalid(file, error.Start.Line, $"not YAML: {error.Message.ReplaceLineEndings(" ")}", error);
        }
        catch (Exception error) when (error is InvalidOperationException or ArgumentException)
        {
            // The parser loses its way where brackets do not match.
            throw Invalid(file, 1, "not YAML: brackets or quotes do not match", error);
        }
        return stream.Documents switch
        {
            [{ RootNode: YamlMappingNode map }] => new YamlMap(file, "", map),
            [] => throw Invalid(file, 1, "the file is empty"),
            _ => throw Invalid(file, 1, "expected one document of 'key: value' lines"),
        };
    }

    /// <summary>Whether the key is there.</summary>
    public bool Has(string key) => Find(key) is not null;

    /// <summary>Whether the key is there with a mapping below it.</summary>
    public bool HasMap(string key) => Find(key) is YamlMappingNode;

    /// <summary>The keys, for mappings whose keys are names.</summary>
    public IReadOnlyList<string> Names() => [.. _node.Children.Keys.OfType<YamlScalarNode>().Select(key => key.Value ?? "")];

    /// <summary>A text that must be there.</summary>
    public string Text(string key) => OptionalText(key) ?? throw Missing(key, "");

    /// <summary>A text, or null.</summary>
    public string? OptionalText(string key) => Scalar(key)?.Value is { Length: > 0 } text ? text : null;

    /// <summary>A number; fractions such as <c>1/16</c> are numbers too.</summary>
    public double? Number(string key)
    {
        if (OptionalText(key) is not { } text)
            return null;
        return FedLora.Core.Number.Parse(text) ?? throw Error(key, $"expected a number, found '{text}'");
    }

    /// <summary>A whole number of at least 0.</summary>
    public ulong? Count(string key)
    {
        if (OptionalText(key) is not { } text)
            return null;
        return FedLora.Core.Number.ParseCount(text) ?? throw Error(key, $"expected a whole number of at least 0, found '{text}'");
    }

    /// <summary>A whole number of at least 0 that fits 32 bits.</summary>
    public int? Count32(string key) =>
        Count(key) is { } count ? count <= int.MaxValue ? (int)count : throw Error(key, $"{count} is too large") : null;

    /// <summary>A whole number, which may be negative.</summary>
    public long? Whole(string key)
    {
        if (OptionalText(key) is not { } text)
            return null;
        return FedLora.Core.Number.ParseWhole(text) ?? throw Error(key, $"expected a whole number, found '{text}'");
    }

    /// <summary>A whole number that fits 32 bits.</summary>
    public int? Whole32(string key) => Whole(key) is { } number
        ? number is >= int.MinValue and <= int.MaxValue ? (int)number : throw Error(key, $"{number} is too large")
        : null;

    /// <summary><c>true</c> or <c>false</c>.</summary>
    public bool? Flag(string key) => OptionalText(key) switch
    {
        null => null,
        "true" => true,
        "false" => false,
        var text => throw Error(key, $"expected true or false, found '{text}'"),
    };

    /// <summary>A list of texts; a single text is a list of one.</summary>
    public IReadOnlyList<string>? List(string key) => Find(key) switch
    {
        null => null,
        YamlScalarNode { Value: { } one } => [one],
        YamlSequenceNode many when many.Children.All(item => item is YamlScalarNode { Value.Length: > 0 }) =>
            [.. many.Children.Select(item => ((YamlScalarNode)item).Value!)],
        _ => throw Error(key, "expected a list of words, e.g. [a, b]"),
    };

    /// <summary>A mapping below a key, or null.</summary>
    public YamlMap? Map(string key)
    {
        switch (Find(key))
        {
            case null:
                return null;
            case YamlMappingNode map:
                // Asked for twice, it still knows what was read of it.
                return _children.TryGetValue(key, out var known) ? known : _children[key] = new YamlMap(_file, Join(key), map);
            default:
                throw Error(key, "expected 'key: value' lines below it");
        }
    }

    /// <summary>Refuses every key that was not asked for, here and in the mappings below.</summary>
    /// <exception cref="FedLoraException"><c>yaml-invalid</c>, naming line and key.</exception>
    public void End()
    {
        foreach (var key in _node.Children.Keys)
        {
            var name = (key as YamlScalarNode)?.Value ?? key.ToString();
            if (!_read.Contains(name) && FedLora.Core.Number.Parse(name) is not null)
                throw Invalid(_file, key.Start.Line,
                    $"'{name}' stands where a key should; numbers have a decimal point, no comma: 0.{name}, not 0,{name}");
            if (!_read.Contains(name))
                throw Invalid(_file, key.Start.Line,
                    $"unknown key '{Join(name)}'; known here: "
                        + $"{string.Join(", ", _read.Order(StringComparer.Ordinal))}{Nearest.Question(name, _read)}");
        }
        foreach (var child in _children.Values)
            child.End();
    }

    /// <summary>An error about the value of a key.</summary>
    public FedLoraException Error(string key, string why) =>
        Invalid(_file, Find(key)?.Start.Line ?? _node.Start.Line, $"{Join(key)}: {why}");

    /// <summary>An error about a key that is not there.</summary>
    public FedLoraException Missing(string key, string meaning) =>
        Invalid(_file, _node.Start.Line, $"key '{Join(key)}' is missing{(meaning.Length == 0 ? "" : ": " + meaning)}");

    private YamlScalarNode? Scalar(string key) => Find(key) switch
    {
        null => null,
        YamlScalarNode scalar => scalar,
        _ => throw Error(key, "expected one value"),
    };

    private YamlNode? Find(string key)
    {
        _read.Add(key);
        return _node.Children.TryGetValue(new YamlScalarNode(key), out var value) ? value : null;
    }

    private string Join(string key) => _path.Length == 0 ? key : $"{_path}.{key}";

    private static FedLoraException Invalid(string file, long line, string why, Exception? inner = null) =>
        new("yaml-invalid", $"{file}, line {line}: {why}", "correct the file and try again", inner);
}
