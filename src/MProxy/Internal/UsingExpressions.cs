using System.Management.Automation;
using System.Management.Automation.Language;
using System.Text;

namespace MProxy.Internal;

/// <summary>The values of a script's $using: expressions, as they are where the script is given away.</summary>
internal static class UsingExpressions
{
    /// <summary>The values by the keys that the engine looks for.</summary>
    /// <param name="script">The script.</param>
    /// <param name="engine">Where its variables are.</param>
    /// <exception cref="FormatException">A variable is not set. One in a block within the script may be the script's own: it is looked for when that runs.</exception>
    public static IReadOnlyDictionary<string, object?> Resolve(ScriptBlock script, EngineIntrinsics engine)
    {
        var values = new Dictionary<string, object?>();
        foreach (var expression in script.Ast.FindAll(ast => ast is UsingExpressionAst, searchNestedScriptBlocks: true).Cast<UsingExpressionAst>())
        {
            if (TryResolve(expression, engine, out var value))
            {
                values[Key(expression)] = value;
            }
            else if (!IsInNestedBlock(expression, script.Ast))
            {
                throw new FormatException($"the script uses {expression}, and there is no such variable here.");
            }
        }

        return values;
    }

    /// <summary>As the engine makes it: the text of the expression, without regard to case where it is a variable alone.</summary>
    private static string Key(UsingExpressionAst expression)
    {
        var text = $"{expression}";
        return Convert.ToBase64String(Encoding.Unicode.GetBytes(expression.SubExpression is VariableExpressionAst ? text.ToLowerInvariant() : text));
    }

    private static bool IsInNestedBlock(Ast expression, Ast script)
    {
        for (var ast = expression.Parent; ast is not null && ast != script; ast = ast.Parent)
        {
            if (ast is ScriptBlockExpressionAst && ast.Parent != script)
            {
                return true;
            }
        }

        return false;
    }

    private static bool TryResolve(UsingExpressionAst expression, EngineIntrinsics engine, out object? value)
    {
        var variable = (VariableExpressionAst)expression.SubExpression.Find(ast => ast is VariableExpressionAst, searchNestedScriptBlocks: false);
        var name = variable.VariablePath.UserPath;
        value = engine.SessionState.PSVariable.GetValue(name);
        if (value is null && engine.SessionState.PSVariable.Get(name) is null)
        {
            return false;
        }

        if (expression.SubExpression is not VariableExpressionAst)
        {
            // The parser allows members and indexes alone behind the variable, and no method.
            var (whole, part) = (expression.SubExpression.Extent, variable.Extent);
            var text = whole.Text[..(part.StartOffset - whole.StartOffset)] + $"${{{name}}}" + whole.Text[(part.EndOffset - whole.StartOffset)..];
            var result = engine.InvokeCommand.InvokeScript(useLocalScope: false, engine.InvokeCommand.NewScriptBlock(text), null, null);
            value = result.Count == 1 ? result[0] : result;
        }

        return true;
    }
}
