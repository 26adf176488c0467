# What PSScriptAnalyzer checks in `make lint`, and in editors. Find-StyleFault.ps1 checks the rest of the style.
@{
    Severity     = @('Error', 'Warning', 'Information')
    IncludeRules = @(
        'PSAvoidDefaultValueForMandatoryParameter'
        'PSAvoidDefaultValueSwitchParameter'
        'PSAvoidInvokingEmptyMembers'
        'PSAvoidLongLines'
        'PSAvoidTrailingWhitespace'
        'PSAvoidUsingCmdletAliases'
        'PSAvoidUsingEmptyCatchBlock'
        'PSAvoidUsingInvokeExpression'
        'PSAvoidUsingWMICmdlet'
        'PSPlaceCloseBrace'
        'PSPlaceOpenBrace'
        'PSPossibleIncorrectComparisonWithNull'
        'PSPossibleIncorrectUsageOfAssignmentOperator'
        'PSPossibleIncorrectUsageOfRedirectionOperator'
        'PSReservedCmdletChar'
        'PSReservedParams'
        'PSUseApprovedVerbs'
        'PSUseCompatibleSyntax'
        'PSUseConsistentWhitespace'
    )
    Rules        = @{
        PSAvoidLongLines          = @{
            Enable            = $true
            MaximumLineLength = 120
        }
        PSPlaceCloseBrace         = @{
            Enable             = $true
            IgnoreOneLineBlock = $true
            NewLineAfter       = $false
            NoEmptyLineBefore  = $true
        }
        PSPlaceOpenBrace          = @{
            Enable             = $true
            IgnoreOneLineBlock = $true
            NewLineAfter       = $true
            OnSameLine         = $true
        }
        PSUseCompatibleSyntax     = @{
            Enable         = $true
            TargetVersions = @('4.0', '5.1', '7.0')
        }
        PSUseConsistentWhitespace = @{
            Enable          = $true
            CheckInnerBrace = $true
            CheckOpenBrace  = $false
            CheckOpenParen  = $true
            CheckOperator   = $false
            CheckParameter  = $false
            CheckPipe       = $true
            CheckSeparator  = $true
        }
    }
}
