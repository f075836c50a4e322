using System.Text;

namespace Grpc.Net.Internal;

/// <summary>grpc-message on the wire: UTF-8, then %XX for every byte outside 0x20-0x7E and for '%'.</summary>
internal static class PercentEncoding
{
    public static string Encode(string text)
    {
        if (text.All(IsPlain)) return text;
        var encoded = new StringBuilder(text.Length + 16);
        foreach (var unit in Encoding.UTF8.GetBytes(text))
        {
            if (IsPlain((char)unit)) encoded.Append((char)unit);
            else encoded.Append('%').Append(unit.ToString("X2", null));
        }

        return encoded.ToString();
    }

    /// <summary>What does not decode stays as it is: a status is never lost to its text.</summary>
    public static string Decode(string text) => text.Contains('%') ? Uri.UnescapeDataString(text) : text;

    private static bool IsPlain(char c) => c is >= ' ' and <= '~' and not '%';
}
