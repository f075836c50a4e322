using FedLora.Tokenizers.Text;

namespace FedLora.Tokenizers.Normalizers;

/// <summary>
/// BERT's clean-up: control characters out, white space to spaces, ideographs padded, accents off, lower case; in this order.
/// </summary>
/// <param name="clean">Remove control characters; white space becomes the space.</param>
/// <param name="padIdeographs">A space before and after each CJK ideograph.</param>
/// <param name="stripAccents">NFD, then drop non-spacing marks.</param>
/// <param name="lowercase">Lower case.</param>
internal sealed class BertNormalizer(bool clean, bool padIdeographs, bool stripAccents, bool lowercase) : INormalizer
{
    private readonly RuneSet _changed = new(rune =>
        clean && rune != ' ' && (UnicodeData.Removed.Contains(rune) || UnicodeData.WhiteSpace.Contains(rune))
            || padIdeographs && UnicodeData.IsPaddedIdeograph(rune));

    private readonly Drop _dropMarks = new(UnicodeData.NonSpacing);
    private readonly Lowercase _lowercase = new();

    public void Apply(AlignedText text)
    {
        text.Rewrite(_changed, static (text, i) =>
        {
            if (UnicodeData.IsPaddedIdeograph(text[i]))
            {
                text.Emit(' ', i);
                text.Emit(text[i], i);
                text.Emit(' ', i);
            }
            else if (!UnicodeData.Removed.Contains(text[i]))
            {
                text.Emit(' ', i);
            }
        });
        if (stripAccents && text.Runes.ContainsAnyExceptInRange(0, 0x7F))
        {
            UnicodeNormalization.Normalize(text, compose: false, compatibility: false);
            _dropMarks.Apply(text);
        }
        if (lowercase)
            _lowercase.Apply(text);
    }
}
