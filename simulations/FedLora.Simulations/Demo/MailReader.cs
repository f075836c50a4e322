using System.Text;
using MimeKit;
using MimeKit.Text;

namespace FedLora.Simulations.Demo;

/// <summary>
/// Takes the text out of a raw mail: headers dropped, transfer encodings and character sets decoded, HTML reduced to what it shows.
/// </summary>
public static class MailReader
{
    static MailReader() => System.Text.Encoding.RegisterProvider(CodePagesEncodingProvider.Instance);

    /// <summary>
    /// The body of a mail, with or without the From line of an mbox, white space collapsed; empty when it has no text part.
    /// </summary>
    public static string ReadText(byte[] mail)
    {
        using var stream = new MemoryStream(mail);
        var message = new MimeParser(stream, mail.AsSpan().StartsWith("From "u8) ? MimeFormat.Mbox : MimeFormat.Entity).ParseMessage();
        var body = message.TextBody is { } plain && !string.IsNullOrWhiteSpace(plain) ? plain
            : message.HtmlBody is { } html ? ShowHtml(html)
            : string.Join('\n', message.BodyParts.OfType<TextPart>().Select(part => part.IsHtml ? ShowHtml(part.Text) : part.Text));
        return Collapse(body);
    }

    /// <summary>The text of an HTML page, without its tags, scripts and styles; entities decoded.</summary>
    public static string ShowHtml(string html)
    {
        var text = new StringBuilder(html.Length);
        var tokenizer = new HtmlTokenizer(new StringReader(html)) { DecodeCharacterReferences = true };
        var hidden = false;
        while (tokenizer.ReadNextToken(out var token))
        {
            switch (token)
            {
                case HtmlTagToken { Id: HtmlTagId.Script or HtmlTagId.Style or HtmlTagId.Title } tag:
                    hidden = !tag.IsEndTag && !tag.IsEmptyElement;
                    break;
                // Tags inside words are a spammer's trick: only tags that break a line end a word.
                case HtmlTagToken
                {
                    Id: not (HtmlTagId.B or HtmlTagId.I or HtmlTagId.U or HtmlTagId.Font or HtmlTagId.Span or HtmlTagId.A
                    or HtmlTagId.Strong or HtmlTagId.EM or HtmlTagId.Unknown)
                }:
                    text.Append(' ');
                    break;
                case HtmlDataToken data when !hidden:
                    text.Append(data.Data);
                    break;
            }
        }
        return text.ToString();
    }

    private static string Collapse(string text) => string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
}
